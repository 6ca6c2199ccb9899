-- The backlog: events not yet fanned out, and deliveries not yet ended.
SELECT (SELECT count(*) FROM outbox_pending) + (SELECT count(*) FROM dispatcher_delivery)
