-- The events that a request recorded. They follow it closely: of what its account recorded from the moment of the
-- request on, a window is looked at.
SELECT id, type, object_id
FROM (
    SELECT id, type, object_id, request_id
    FROM outbox_event
    WHERE owner = %(owner)s AND id >= %(since)s AND id < %(until)s
    ORDER BY id
    LIMIT %(window)s
) AS near
WHERE request_id = %(request)s
LIMIT %(limit)s
