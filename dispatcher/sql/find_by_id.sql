-- A window of all deliveries, newest first, and of them those that match the rest; one more than a page, behind how
-- many were looked at and where the window ends. Those that are being sent are few, and read from their own index.
WITH candidate AS MATERIALIZED (
    SELECT * FROM (
        SELECT * FROM (
            SELECT id, owner, endpoint_id, event_id,
               CASE WHEN lease_owner IS NULL THEN 'pending' ELSE 'sending' END AS state, NULL::text AS reason, attempts,
               resend_no, CASE WHEN lease_owner IS NULL THEN nullif(due_at, 'infinity') END AS next_attempt_at,
               NULL::timestamptz AS finished_at
            FROM dispatcher_delivery
            WHERE %(live)s AND %(state)s::text IS DISTINCT FROM 'sending'
              AND (%(oldest)s::uuid IS NULL OR id >= %(oldest)s) AND id < %(id)s
            ORDER BY id DESC
            LIMIT %(window)s
        ) AS live
        UNION ALL
        SELECT * FROM (
            SELECT id, owner, endpoint_id, event_id,
               CASE WHEN lease_owner IS NULL THEN 'pending' ELSE 'sending' END AS state, NULL::text AS reason, attempts,
               resend_no, CASE WHEN lease_owner IS NULL THEN nullif(due_at, 'infinity') END AS next_attempt_at,
               NULL::timestamptz AS finished_at
            FROM (
                SELECT * FROM dispatcher_delivery WHERE lease_owner IS NOT NULL LIMIT %(most_leased)s OFFSET 0
            ) AS leased
            WHERE %(state)s::text = 'sending' AND (%(oldest)s::uuid IS NULL OR id >= %(oldest)s) AND id < %(id)s
            ORDER BY id DESC
            LIMIT %(window)s
        ) AS sending
        UNION ALL
        SELECT * FROM (
            SELECT id, owner, endpoint_id, event_id, state, reason, attempts, resend_no,
               NULL::timestamptz AS next_attempt_at, finished_at
            FROM dispatcher_finished_delivery
            WHERE %(ended)s AND %(rare)s::text IS NULL
              AND (%(oldest)s::uuid IS NULL OR id >= %(oldest)s) AND id < %(id)s
            ORDER BY id DESC
            LIMIT %(window)s
        ) AS ended
        UNION ALL
        SELECT * FROM (
            SELECT id, owner, endpoint_id, event_id, state, reason, attempts, resend_no,
               NULL::timestamptz AS next_attempt_at, finished_at
            FROM dispatcher_finished_delivery
            WHERE state = %(rare)s::text
              AND (%(oldest)s::uuid IS NULL OR id >= %(oldest)s) AND id < %(id)s
            ORDER BY id DESC
            LIMIT %(window)s
        ) AS rare
    ) AS either
    ORDER BY id DESC
    LIMIT %(window)s
),
found AS MATERIALIZED (
    SELECT candidate.*, event.type
    FROM candidate
    LEFT JOIN LATERAL (SELECT type FROM outbox_event WHERE id = candidate.event_id OFFSET 0) AS event ON true
    WHERE (%(event_type)s::text IS NULL OR event.type = %(event_type)s)
      AND (%(state)s::text IS NULL OR candidate.state = %(state)s)
    ORDER BY candidate.id DESC
    LIMIT %(limit)s + 1
)
SELECT progress.*, found.id, found.owner, found.endpoint_id, found.event_id, found.state, found.reason, found.attempts,
       found.resend_no, found.next_attempt_at, found.finished_at, found.type
FROM (
    SELECT (SELECT count(*) FROM candidate)::int, last.id, last.id
    FROM (SELECT 1) AS one
    LEFT JOIN (SELECT id FROM candidate ORDER BY id LIMIT 1) AS last ON true
) AS progress
LEFT JOIN found ON true
ORDER BY found.id DESC
