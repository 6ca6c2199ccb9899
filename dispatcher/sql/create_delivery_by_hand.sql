-- A delivery that a person asked for, numbered after those of the same event and endpoint; none where the event
-- is not kept any more. Requires the endpoint's row lock, or two resends could take one number. The id is the
-- database's: attempts, whose ids it mints too, are looked up from the delivery's moment on.
INSERT INTO dispatcher_delivery (id, owner, endpoint_id, event_id, due_at, resend_no)
SELECT outbox_uuid7(), %(owner)s, %(endpoint_id)s, %(event_id)s, clock_timestamp(), 1 + greatest(
    0,
    (SELECT max(resend_no) FROM dispatcher_delivery
     WHERE endpoint_id = %(endpoint_id)s AND event_id = %(event_id)s),
    (SELECT max(resend_no) FROM dispatcher_finished_delivery
     WHERE endpoint_id = %(endpoint_id)s AND event_id = %(event_id)s)
)
WHERE EXISTS (SELECT FROM outbox_event WHERE id = %(event_id)s)
RETURNING id, due_at
