-- Deliveries behind an id, oldest first, live or finished, that have not been seen: one may appear with an older id
-- than another, since each fan-out commits when it is done.
SELECT delivery.id, delivery.endpoint_id, delivery.event_id, delivery.state, delivery.reason, delivery.resend_no,
       event.type, endpoint.url
FROM (
    SELECT * FROM (
        SELECT id, endpoint_id, event_id, CASE WHEN lease_owner IS NULL THEN 'pending' ELSE 'sending' END AS state,
               NULL AS reason, resend_no
        FROM dispatcher_delivery
        WHERE id > %(after)s AND id <> ALL (%(seen)s::uuid[])
          AND (%(endpoint_id)s::uuid IS NULL OR endpoint_id = %(endpoint_id)s)
        ORDER BY id
        LIMIT %(limit)s
    ) AS live
    UNION ALL
    SELECT * FROM (
        SELECT id, endpoint_id, event_id, state, reason, resend_no
        FROM dispatcher_finished_delivery
        WHERE id > %(after)s AND id <> ALL (%(seen)s::uuid[])
          AND (%(endpoint_id)s::uuid IS NULL OR endpoint_id = %(endpoint_id)s)
        ORDER BY id
        LIMIT %(limit)s
    ) AS finished
) AS delivery
JOIN dispatcher_endpoint AS endpoint ON endpoint.id = delivery.endpoint_id
LEFT JOIN LATERAL (SELECT type FROM outbox_event WHERE id = delivery.event_id) AS event ON true
ORDER BY delivery.id
LIMIT %(limit)s
