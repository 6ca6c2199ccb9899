-- A window of an endpoint's deliveries that ended dead-lettered or cancelled, oldest event first, and of their
-- events those to send again: whose newest delivery ended so, with none under way and none that succeeded. What
-- somebody stopped stays stopped. Ids younger than the events by far are left to other partitions.
WITH candidate AS MATERIALIZED (
    SELECT DISTINCT event_id
    FROM (
        SELECT event_id
        FROM (
            SELECT * FROM (
                SELECT event_id
                FROM dispatcher_finished_delivery
                WHERE endpoint_id = %(endpoint_id)s AND state = 'dead_lettered'
                  AND event_id > %(after)s AND event_id < %(before)s AND id >= %(oldest)s
                ORDER BY event_id
                LIMIT %(window)s
            ) AS dead
            UNION ALL
            SELECT * FROM (
                SELECT event_id
                FROM dispatcher_finished_delivery
                WHERE endpoint_id = %(endpoint_id)s AND state = 'cancelled'
                  AND event_id > %(after)s AND event_id < %(before)s AND id >= %(oldest)s
                ORDER BY event_id
                LIMIT %(window)s
            ) AS cancelled
        ) AS ended
        ORDER BY event_id
        LIMIT %(window)s
    ) AS ended
),
found AS (
    SELECT candidate.event_id, 1 + newest.resend_no AS resend_no
    FROM candidate
    CROSS JOIN LATERAL (
        SELECT state, reason, resend_no
        FROM dispatcher_finished_delivery
        WHERE endpoint_id = %(endpoint_id)s
          AND state = ANY (ARRAY['cancelled', 'dead_lettered', 'succeeded'])
          AND event_id = candidate.event_id AND id >= %(oldest)s
        ORDER BY state = 'succeeded' DESC, resend_no DESC
        LIMIT 1
    ) AS newest
    WHERE (newest.state = 'dead_lettered' OR newest.reason = 'endpoint_disabled')
      AND NOT EXISTS (
          SELECT FROM dispatcher_delivery
          WHERE endpoint_id = %(endpoint_id)s AND event_id = candidate.event_id
          OFFSET 0
      )
)
SELECT progress.last, found.event_id, found.resend_no
FROM (SELECT max(event_id::text)::uuid AS last FROM candidate) AS progress
LEFT JOIN found ON true
ORDER BY found.event_id
