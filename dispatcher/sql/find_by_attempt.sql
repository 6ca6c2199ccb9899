-- A window of the attempts that failed with a code, newest first, and of their deliveries those that match the rest,
-- each at its newest such attempt; one more than a page, behind how many were looked at and where the window ends.
WITH failed AS MATERIALIZED (
    SELECT id, delivery_id, endpoint_id
    FROM dispatcher_attempt
    WHERE failure_code = %(failure_code)s AND (%(oldest)s::uuid IS NULL OR id >= %(oldest)s) AND id < %(id)s
    ORDER BY id DESC
    LIMIT %(window)s
),
newest AS MATERIALIZED (
    SELECT delivery_id, max(id::text)::uuid AS attempt_id
    FROM failed
    WHERE (%(endpoint_id)s::uuid IS NULL OR endpoint_id = %(endpoint_id)s)
    GROUP BY delivery_id
),
candidate AS MATERIALIZED (
    SELECT delivery.*, newest.attempt_id
    FROM newest
    CROSS JOIN LATERAL (
        SELECT id, owner, endpoint_id, event_id,
               CASE WHEN lease_owner IS NULL THEN 'pending' ELSE 'sending' END AS state, NULL::text AS reason, attempts,
               resend_no, CASE WHEN lease_owner IS NULL THEN nullif(due_at, 'infinity') END AS next_attempt_at,
               NULL::timestamptz AS finished_at
        FROM dispatcher_delivery
        WHERE id = newest.delivery_id
        UNION ALL
        SELECT id, owner, endpoint_id, event_id, state, reason, attempts, resend_no,
               NULL::timestamptz AS next_attempt_at, finished_at
        FROM dispatcher_finished_delivery
        WHERE id = newest.delivery_id
        LIMIT 1
    ) AS delivery
    -- What has failed so again since was on an earlier page.
    WHERE NOT EXISTS (
          SELECT FROM dispatcher_attempt AS later
          WHERE later.delivery_id = newest.delivery_id AND later.failure_code = %(failure_code)s
            AND later.id > newest.attempt_id AND later.id < %(until)s AND %(paged)s
      )
),
found AS MATERIALIZED (
    SELECT candidate.*, event.type
    FROM candidate
    LEFT JOIN LATERAL (SELECT type FROM outbox_event WHERE id = candidate.event_id OFFSET 0) AS event ON true
    WHERE (%(event_type)s::text IS NULL OR event.type = %(event_type)s)
      AND (%(state)s::text IS NULL OR candidate.state = %(state)s)
    ORDER BY candidate.attempt_id DESC
    LIMIT %(limit)s + 1
)
SELECT progress.*, found.id, found.owner, found.endpoint_id, found.event_id, found.state, found.reason, found.attempts,
       found.resend_no, found.next_attempt_at, found.finished_at, found.type, found.attempt_id
FROM (
    SELECT (SELECT count(*) FROM failed)::int, last.id, last.id
    FROM (SELECT 1) AS one
    LEFT JOIN (SELECT id FROM failed ORDER BY id LIMIT 1) AS last ON true
) AS progress
LEFT JOIN found ON true
ORDER BY found.attempt_id DESC
