-- Turn pending pointers, oldest first, into one delivery for each endpoint that is subscribed now. An
-- endpoint that is subscribed but disabled gets a skipped delivery, so that nothing is left out silently.
-- Of what is pending only a window is looked at, and no more than a chunk of pairs of pointer and endpoint is
-- served: an event with more endpoints keeps its pointer, with the last endpoint served, for the next chunk.
WITH taken AS MATERIALIZED (
    SELECT pointer.*
    FROM (
        SELECT event_id FROM outbox_pending WHERE event_id > %(after)s ORDER BY event_id LIMIT %(window)s
    ) AS candidate
    CROSS JOIN LATERAL (
        SELECT event_id, order_key, sequence, fanned_out_to
        FROM outbox_pending
        WHERE event_id = candidate.event_id
        FOR UPDATE SKIP LOCKED
    ) AS pointer
    LIMIT %(limit)s
),
pointer AS MATERIALIZED (
    -- In the order in which things happened: a younger pointer of a key is never served before an older one.
    SELECT taken.event_id, taken.order_key, taken.sequence, event.owner, event.type, event.object_id,
           coalesce(taken.fanned_out_to, '00000000-0000-0000-0000-000000000000') AS served_to,
           row_number() OVER (ORDER BY taken.sequence, taken.event_id) AS place
    FROM taken
    LEFT JOIN LATERAL (
        SELECT owner, type, object_id FROM outbox_event WHERE id = taken.event_id OFFSET 0
    ) AS event ON true
),
endpoint AS MATERIALIZED (
    -- Read once for each owner, and one beyond the chunk at most: what is cut off belongs to pointers that
    -- the chunk cannot finish, because owners come in the order of their first pointers.
    SELECT source.owner, source.served_to, endpoint.*
    FROM (
        SELECT owner, served_to FROM pointer GROUP BY owner, served_to ORDER BY min(place) OFFSET 0
    ) AS source
    CROSS JOIN LATERAL (
        SELECT id, status, ordered, enabled_events, (row_number() OVER (ORDER BY id))::int AS nth
        FROM (
            SELECT id, status, ordered, enabled_events
            FROM dispatcher_endpoint
            WHERE owner = source.owner AND deleted_at IS NULL AND id > source.served_to
            ORDER BY id
            LIMIT 1 + %(rows)s
        ) AS live
    ) AS endpoint
    LIMIT 1 + %(rows)s
),
placed AS MATERIALIZED (
    -- Where each pointer's endpoints begin and end in the row of all pairs.
    SELECT pointer.*, coalesce(extent.size, 0) AS size,
           sum(coalesce(extent.size, 0)) OVER (ORDER BY place) - coalesce(extent.size, 0) AS before
    FROM pointer
    LEFT JOIN (
        SELECT owner, served_to, count(*)::int AS size FROM endpoint GROUP BY owner, served_to
    ) AS extent USING (owner, served_to)
),
pair AS MATERIALIZED (
    SELECT placed.event_id, placed.place, placed.owner, placed.sequence,
           coalesce(placed.order_key, placed.object_id) AS order_key,
           endpoint.id AS endpoint_id, endpoint.status, endpoint.ordered,
           endpoint.enabled_events && ARRAY[placed.type, '*'] AS subscribed,
           placed.before + endpoint.nth AS number
    FROM placed
    JOIN endpoint USING (owner, served_to)
    WHERE placed.before + endpoint.nth <= %(rows)s
),
overtaking AS MATERIALIZED (
    -- Pointers behind an older one of their key that is not among those taken: another dispatcher has it, and
    -- its delivery may not be visible yet.
    SELECT event_id
    FROM (
        SELECT member.event_id,
               bool_or(older.event_id <> coalesce(member.before, '00000000-0000-0000-0000-000000000000'))
                   OVER (PARTITION BY member.order_key ORDER BY member.place) AS behind
        FROM (
            SELECT event_id, order_key, sequence, place,
                   lag(event_id) OVER (PARTITION BY order_key ORDER BY place) AS before
            FROM pointer
            WHERE order_key IN (SELECT order_key FROM pair WHERE ordered AND subscribed)
        ) AS member
        LEFT JOIN LATERAL (
            SELECT event_id
            FROM outbox_pending
            WHERE order_key = member.order_key AND sequence < member.sequence
            ORDER BY sequence DESC
            LIMIT 1
        ) AS older ON true
    ) AS member
    WHERE behind
),
held AS MATERIALIZED (
    SELECT event_id FROM pair WHERE ordered AND subscribed AND event_id IN (SELECT event_id FROM overtaking)
),
gone AS (
    DELETE FROM outbox_pending
    WHERE event_id = ANY (ARRAY(
        SELECT event_id
        FROM placed
        WHERE event_id NOT IN (SELECT event_id FROM held)
          AND before + size <= %(rows)s
    ))
    RETURNING event_id
),
kept AS (
    UPDATE outbox_pending
    SET fanned_out_to = (SELECT endpoint_id FROM pair WHERE number = %(rows)s)
    WHERE event_id = (SELECT event_id FROM placed WHERE before < %(rows)s AND before + size > %(rows)s)
      AND event_id NOT IN (SELECT event_id FROM held)
    RETURNING event_id
),
matched AS MATERIALIZED (
    SELECT outbox_uuid7() AS id, pair.*
    FROM pair
    WHERE subscribed AND event_id NOT IN (SELECT event_id FROM held)
),
created AS (
    -- What is ordered waits until promote_heads finds it at the head of its key.
    INSERT INTO dispatcher_delivery (id, owner, endpoint_id, event_id, due_at, order_key, sequence)
    SELECT id, owner, endpoint_id, event_id,
           CASE WHEN ordered THEN 'infinity' ELSE statement_timestamp() END,
           CASE WHEN ordered THEN order_key END,
           CASE WHEN ordered THEN sequence END
    FROM matched
    WHERE status = 'enabled'
    ON CONFLICT (endpoint_id, event_id, resend_no) DO NOTHING
    RETURNING endpoint_id, due_at, order_key
),
skipped AS (
    INSERT INTO dispatcher_finished_delivery
        (id, owner, endpoint_id, event_id, state, reason, attempts, resend_no, finished_at)
    SELECT id, owner, endpoint_id, event_id, 'skipped', 'endpoint_disabled', 0, 0, clock_timestamp()
    FROM matched
    WHERE status <> 'enabled'
    RETURNING id
)
SELECT progress.*, touched.endpoint_id, touched.wake_at, touched.order_keys, touched.created
FROM (
    SELECT (SELECT count(*)::int FROM gone) AS events,
           CASE
               WHEN (SELECT count(*) FROM taken) = %(limit)s THEN (SELECT max(event_id::text)::uuid FROM taken)
               ELSE (
                   SELECT event_id FROM outbox_pending WHERE event_id > %(after)s
                   ORDER BY event_id OFFSET %(window)s - 1 LIMIT 1
               )
           END AS last,
           EXISTS (SELECT FROM placed WHERE before + size > %(rows)s)
               AND (EXISTS (SELECT FROM gone) OR EXISTS (SELECT FROM kept)) AS more,
           (SELECT count(*)::int FROM skipped) AS skipped
) AS progress
LEFT JOIN (
    SELECT endpoint_id,
           min(due_at) FILTER (WHERE order_key IS NULL) AS wake_at,
           array_agg(DISTINCT order_key) FILTER (WHERE order_key IS NOT NULL) AS order_keys,
           count(*)::int AS created
    FROM created
    GROUP BY endpoint_id
) AS touched ON true
