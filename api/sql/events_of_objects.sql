-- What happened to some objects, oldest first; no event is older than its object. `pending` is whether the event still
-- waits to be fanned out.
SELECT event.id, event.owner, event.type, event.object_id, event.request_id,
       EXISTS (SELECT FROM outbox_pending WHERE event_id = event.id) AS pending
FROM unnest(%(objects)s::text[], %(since)s::uuid[]) AS object (id, since)
CROSS JOIN LATERAL (
    SELECT id, owner, type, object_id, request_id
    FROM outbox_event
    WHERE object_id = object.id AND id >= object.since
    ORDER BY id
    LIMIT %(limit)s
) AS event
WHERE event.owner = %(owner)s
ORDER BY event.id
LIMIT %(limit)s
