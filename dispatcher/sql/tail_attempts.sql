-- A window of attempts behind an id, oldest first, and those of them that are wanted and have not been seen: an attempt's
-- id is minted by its claim, and its row is written when the answer came, so rows keep appearing among ids that others
-- have passed. Every row tells where the window ends, and whether it is full.
WITH looked AS MATERIALIZED (
    SELECT id, delivery_id, endpoint_id, event_id, number, started_at, outcome, failure_code, detail, status, total_ms,
           superseded
    FROM dispatcher_attempt
    WHERE id > %(after)s
    ORDER BY id
    LIMIT %(window)s
),
wanted AS (
    SELECT *
    FROM looked
    WHERE id <> ALL (%(seen)s::uuid[])
      AND (%(endpoint_id)s::uuid IS NULL OR endpoint_id = %(endpoint_id)s)
      AND (NOT %(failed)s OR outcome <> 'succeeded')
    ORDER BY id
    LIMIT %(limit)s
)
SELECT reached.last, reached.is_full, shown.*
FROM (SELECT max(id::text)::uuid AS last, count(*) = %(window)s AS is_full FROM looked) AS reached
LEFT JOIN (
    SELECT attempt.id, attempt.delivery_id, attempt.endpoint_id, attempt.event_id, attempt.number, attempt.started_at,
           attempt.outcome, attempt.failure_code, attempt.detail, attempt.status, attempt.total_ms, attempt.superseded,
           event.type, endpoint.url, delivery.state, delivery.reason, delivery.next_attempt_at,
           delivery.attempts
    FROM wanted AS attempt
    JOIN dispatcher_endpoint AS endpoint ON endpoint.id = attempt.endpoint_id
    LEFT JOIN LATERAL (SELECT type FROM outbox_event WHERE id = attempt.event_id) AS event ON true
    LEFT JOIN LATERAL (
        SELECT state, reason, next_attempt_at, attempts
        FROM dispatcher_delivery_record
        WHERE id = attempt.delivery_id
        LIMIT 1
    ) AS delivery ON true
) AS shown ON true
ORDER BY shown.id
