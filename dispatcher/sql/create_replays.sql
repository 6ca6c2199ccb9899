-- Deliveries of a replay, numbered after those of the same event, one due every so often. Requires the
-- endpoint's row lock, as a single resend does.
INSERT INTO dispatcher_delivery (id, owner, endpoint_id, event_id, due_at, resend_no)
SELECT outbox_uuid7(), %(owner)s, %(endpoint_id)s, event_id, %(first_due_at)s + (place - 1) * %(gap)s, resend_no
FROM unnest(%(event_ids)s::uuid[], %(resend_nos)s::int[]) WITH ORDINALITY AS found (event_id, resend_no, place)
