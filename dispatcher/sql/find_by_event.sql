-- A window of an owner's or an endpoint's deliveries, newest event first, live ones and those of each end, and of them
-- those that match the rest; one more than a page, behind how many were looked at and where the window ends.
WITH candidate AS MATERIALIZED (
    SELECT * FROM (
        SELECT * FROM (
            SELECT id, owner, endpoint_id, event_id,
               CASE WHEN lease_owner IS NULL THEN 'pending' ELSE 'sending' END AS state, NULL::text AS reason, attempts,
               resend_no, CASE WHEN lease_owner IS NULL THEN nullif(due_at, 'infinity') END AS next_attempt_at,
               NULL::timestamptz AS finished_at
            FROM dispatcher_delivery
            WHERE %(live)s
              AND (%(owner)s::text IS NULL OR owner = %(owner)s)
              AND (%(endpoint_id)s::uuid IS NULL OR endpoint_id = %(endpoint_id)s)
              AND (%(oldest)s::uuid IS NULL OR event_id >= %(oldest)s) AND event_id <= %(event_id)s
              AND (event_id, id) < (%(event_id)s, %(id)s)
            ORDER BY event_id DESC, id DESC
            LIMIT %(window)s
        ) AS live
        UNION ALL
        SELECT ended.*
        FROM unnest(%(ends)s::text[]) AS asked (state)
        CROSS JOIN LATERAL (
            SELECT id, owner, endpoint_id, event_id, state, reason, attempts, resend_no,
               NULL::timestamptz AS next_attempt_at, finished_at
            FROM dispatcher_finished_delivery
            WHERE state = asked.state
              AND (%(owner)s::text IS NULL OR owner = %(owner)s)
              AND (%(endpoint_id)s::uuid IS NULL OR endpoint_id = %(endpoint_id)s)
              AND (%(oldest)s::uuid IS NULL OR event_id >= %(oldest)s) AND event_id <= %(event_id)s
              AND (event_id, id) < (%(event_id)s, %(id)s)
            ORDER BY event_id DESC, id DESC
            LIMIT %(window)s
        ) AS ended
    ) AS either
    ORDER BY event_id DESC, id DESC
    LIMIT %(window)s
),
found AS MATERIALIZED (
    SELECT candidate.*, event.type
    FROM candidate
    LEFT JOIN LATERAL (SELECT type FROM outbox_event WHERE id = candidate.event_id OFFSET 0) AS event ON true
    WHERE (%(event_type)s::text IS NULL OR event.type = %(event_type)s)
      AND (%(state)s::text IS NULL OR candidate.state = %(state)s)
      -- One that succeeded at once has no attempt that failed. An attempt is younger than its delivery, so that
      -- partitions of earlier days need not be looked into.
      AND (%(failure_code)s::text IS NULL OR candidate.attempts > (candidate.state = 'succeeded')::int AND EXISTS (
          SELECT FROM dispatcher_attempt AS failed
          WHERE failed.delivery_id = candidate.id AND failed.failure_code = %(failure_code)s
            AND failed.id >= (left(candidate.id::text, 13) || '-0000-0000-000000000000')::uuid
      ))
    ORDER BY event_id DESC, candidate.id DESC
    LIMIT %(limit)s + 1
)
SELECT progress.*, found.id, found.owner, found.endpoint_id, found.event_id, found.state, found.reason, found.attempts,
       found.resend_no, found.next_attempt_at, found.finished_at, found.type
FROM (
    SELECT (SELECT count(*) FROM candidate)::int, last.event_id, last.id
    FROM (SELECT 1) AS one
    LEFT JOIN (SELECT event_id, id FROM candidate ORDER BY event_id, id LIMIT 1) AS last ON true
) AS progress
LEFT JOIN found ON true
ORDER BY found.event_id DESC, found.id DESC
