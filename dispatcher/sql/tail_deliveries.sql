-- A window of deliveries behind an id, oldest first, live or finished, and those of them that are wanted and have not
-- been seen: one may appear with an older id than another, since each fan-out commits when it is done. Every row tells
-- where the window ends, and whether it is full.
WITH looked AS MATERIALIZED (
    SELECT * FROM (
        SELECT id, endpoint_id, event_id, CASE WHEN lease_owner IS NULL THEN 'pending' ELSE 'sending' END AS state,
               NULL AS reason, resend_no
        FROM dispatcher_delivery
        WHERE id > %(after)s
        ORDER BY id
        LIMIT %(window)s
    ) AS live
    UNION ALL
    SELECT * FROM (
        SELECT id, endpoint_id, event_id, state, reason, resend_no
        FROM dispatcher_finished_delivery
        WHERE id > %(after)s
        ORDER BY id
        LIMIT %(window)s
    ) AS finished
    ORDER BY id
    LIMIT %(window)s
),
wanted AS (
    SELECT *
    FROM looked
    WHERE id <> ALL (%(seen)s::uuid[])
      AND (%(endpoint_id)s::uuid IS NULL OR endpoint_id = %(endpoint_id)s)
    ORDER BY id
    LIMIT %(limit)s
)
SELECT reached.last, reached.is_full, shown.*
FROM (SELECT max(id::text)::uuid AS last, count(*) = %(window)s AS is_full FROM looked) AS reached
LEFT JOIN (
    SELECT delivery.id, delivery.endpoint_id, delivery.event_id, delivery.state, delivery.reason, delivery.resend_no,
           event.type, endpoint.url
    FROM wanted AS delivery
    JOIN dispatcher_endpoint AS endpoint ON endpoint.id = delivery.endpoint_id
    LEFT JOIN LATERAL (SELECT type FROM outbox_event WHERE id = delivery.event_id) AS event ON true
) AS shown ON true
ORDER BY shown.id
