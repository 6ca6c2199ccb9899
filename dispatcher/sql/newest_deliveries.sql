-- An endpoint's newest deliveries by the time of their events. Each source is read along its index, and no further
-- than what is asked for.
SELECT owner, event_id, id, endpoint_id, state, reason, attempts, resend_no, next_attempt_at, finished_at
FROM (
    (SELECT id, owner, endpoint_id, event_id,
            CASE WHEN lease_owner IS NULL THEN 'pending' ELSE 'sending' END AS state,
            NULL::text AS reason, attempts, resend_no,
            CASE WHEN lease_owner IS NULL THEN nullif(due_at, 'infinity') END AS next_attempt_at,
            NULL::timestamptz AS finished_at
     FROM dispatcher_delivery
     WHERE endpoint_id = %(endpoint_id)s
     ORDER BY event_id DESC, resend_no DESC
     LIMIT %(limit)s)
    UNION ALL
    SELECT ended.*
    FROM (VALUES ('dead_lettered'), ('cancelled'), ('skipped'), ('succeeded')) AS wanted (state)
    CROSS JOIN LATERAL (
        SELECT id, owner, endpoint_id, event_id, state, reason, attempts, resend_no, NULL::timestamptz, finished_at
        FROM dispatcher_finished_delivery
        WHERE endpoint_id = %(endpoint_id)s AND state = wanted.state
        ORDER BY event_id DESC, id DESC
        LIMIT %(limit)s
    ) AS ended
) AS delivery
ORDER BY event_id DESC, id DESC
LIMIT %(limit)s
