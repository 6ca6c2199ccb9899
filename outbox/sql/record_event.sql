-- Write an event and its pending pointer; the pointer only where the event is to be fanned out. The pointer's
-- sequence is the column's default, drawn here: while the recorder holds the lock of the object. Listeners are
-- told when the transaction commits, once however many events it holds.
WITH event AS (
    INSERT INTO outbox_event (id, owner, type, object_id, data, request_id, idempotency_key, previous,
                              traceparent)
    VALUES (%(id)s, %(owner)s, %(type)s, %(object_id)s, %(data)s, %(request_id)s, %(idempotency_key)s, %(previous)s,
            %(traceparent)s)
    RETURNING id
)
INSERT INTO outbox_pending (event_id, order_key)
SELECT id, %(order_key)s FROM event WHERE %(fan_out)s
RETURNING CASE WHEN %(notify)s THEN pg_notify('outbox_recorded', '') END
