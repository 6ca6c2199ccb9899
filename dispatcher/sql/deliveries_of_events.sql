-- The deliveries of some events: of each event the live ones first, then those that ended otherwise than well, oldest
-- first. Each source is read along its index, and no further than what is asked for of an event.
SELECT delivery.owner, delivery.event_id, delivery.id, delivery.endpoint_id, delivery.state, delivery.reason,
       delivery.attempts, delivery.resend_no, delivery.next_attempt_at, delivery.finished_at
FROM unnest(%(events)s::uuid[], %(since)s::uuid[]) WITH ORDINALITY AS event (id, since, place)
CROSS JOIN LATERAL (
    (SELECT 0 AS rank, id, owner, endpoint_id, event_id,
            CASE WHEN lease_owner IS NULL THEN 'pending' ELSE 'sending' END AS state,
            NULL::text AS reason, attempts, resend_no,
            CASE WHEN lease_owner IS NULL THEN nullif(due_at, 'infinity') END AS next_attempt_at,
            NULL::timestamptz AS finished_at
     FROM dispatcher_delivery
     WHERE owner = %(owner)s AND event_id = event.id
     ORDER BY id
     LIMIT %(limit)s)
    UNION ALL
    (SELECT 1, id, owner, endpoint_id, event_id, state, reason, attempts, resend_no, NULL, finished_at
     FROM dispatcher_finished_delivery
     WHERE owner = %(owner)s AND state = 'dead_lettered' AND event_id = event.id AND id >= event.since
     ORDER BY id
     LIMIT %(limit)s)
    UNION ALL
    (SELECT 2, id, owner, endpoint_id, event_id, state, reason, attempts, resend_no, NULL, finished_at
     FROM dispatcher_finished_delivery
     WHERE owner = %(owner)s AND state = 'cancelled' AND event_id = event.id AND id >= event.since
     ORDER BY id
     LIMIT %(limit)s)
    UNION ALL
    (SELECT 3, id, owner, endpoint_id, event_id, state, reason, attempts, resend_no, NULL, finished_at
     FROM dispatcher_finished_delivery
     WHERE owner = %(owner)s AND state = 'skipped' AND event_id = event.id AND id >= event.since
     ORDER BY id
     LIMIT %(limit)s)
    UNION ALL
    (SELECT 4, id, owner, endpoint_id, event_id, state, reason, attempts, resend_no, NULL, finished_at
     FROM dispatcher_finished_delivery
     WHERE owner = %(owner)s AND state = 'succeeded' AND event_id = event.id AND id >= event.since
     ORDER BY id
     LIMIT %(limit)s)
    ORDER BY rank, id
    LIMIT %(limit)s
) AS delivery
ORDER BY event.place, delivery.rank, delivery.id
