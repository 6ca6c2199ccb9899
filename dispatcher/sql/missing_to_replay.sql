-- A window of an owner's events, oldest first, and those of them that an endpoint subscribes to and was never
-- sent: without any delivery, or skipped because it was disabled. What waits to be fanned out is not missing.
WITH candidate AS MATERIALIZED (
    SELECT id AS event_id, type
    FROM outbox_event
    WHERE owner = %(owner)s AND id > %(after)s AND id < %(before)s
    ORDER BY id
    LIMIT %(window)s
),
found AS (
    SELECT candidate.event_id, 1 + coalesce(newest.resend_no, 0) AS resend_no
    FROM candidate
    LEFT JOIN LATERAL (
        SELECT state, reason, resend_no
        FROM dispatcher_finished_delivery
        WHERE endpoint_id = %(endpoint_id)s
          AND state = ANY (ARRAY['cancelled', 'dead_lettered', 'skipped', 'succeeded'])
          AND event_id = candidate.event_id AND id >= %(oldest)s
        ORDER BY resend_no DESC
        LIMIT 1
    ) AS newest ON true
    WHERE %(enabled_events)s::text[] && ARRAY[candidate.type, '*']
      AND candidate.type <> %(test_event_type)s
      AND (newest.state IS NULL OR newest.state = 'skipped')
      AND NOT EXISTS (SELECT FROM outbox_pending WHERE event_id = candidate.event_id OFFSET 0)
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
