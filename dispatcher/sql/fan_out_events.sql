-- Turn pending pointers, oldest first, into one delivery for each endpoint that is subscribed now. An
-- endpoint that is subscribed but disabled gets a skipped delivery, so that nothing is left out silently.
WITH taken AS MATERIALIZED (
    SELECT event_id
    FROM outbox_pending
    WHERE event_id > %(after)s
    ORDER BY event_id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
),
gone AS (
    DELETE FROM outbox_pending WHERE event_id = ANY (ARRAY(SELECT event_id FROM taken))
),
matched AS MATERIALIZED (
    SELECT outbox_uuid7() AS id, event.owner, endpoint.id AS endpoint_id, taken.event_id, endpoint.status
    FROM taken
    CROSS JOIN LATERAL (
        SELECT owner, type FROM outbox_event WHERE id = taken.event_id OFFSET 0
    ) AS event
    CROSS JOIN LATERAL (
        SELECT id, status
        FROM dispatcher_endpoint
        WHERE owner = event.owner
          AND deleted_at IS NULL
          AND enabled_events && ARRAY[event.type, '*']
        OFFSET 0
    ) AS endpoint
),
created AS (
    INSERT INTO dispatcher_delivery (id, owner, endpoint_id, event_id, due_at)
    SELECT id, owner, endpoint_id, event_id, statement_timestamp()
    FROM matched
    WHERE status = 'enabled'
    ON CONFLICT (endpoint_id, event_id, resend_no) DO NOTHING
    RETURNING endpoint_id, due_at
),
skipped AS (
    INSERT INTO dispatcher_finished_delivery
        (id, owner, endpoint_id, event_id, state, reason, attempts, resend_no, finished_at)
    SELECT id, owner, endpoint_id, event_id, 'skipped', 'endpoint_disabled', 0, 0, clock_timestamp()
    FROM matched
    WHERE status <> 'enabled'
    RETURNING id
)
SELECT progress.taken, progress.last, (SELECT count(*)::int FROM skipped), woken.endpoint_id, woken.wake_at,
       woken.created
FROM (SELECT count(*)::int AS taken, max(event_id::text)::uuid AS last FROM taken) AS progress
LEFT JOIN (
    SELECT endpoint_id, min(due_at) AS wake_at, count(*)::int AS created FROM created GROUP BY endpoint_id
) AS woken ON true
