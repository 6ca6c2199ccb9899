-- Second statement of a claim: from the locked lanes take rows whose lease ran out, then due ones, and
-- lease them. A lease that ran out after its request may have left writes an attempt of unknown outcome; one
-- that nobody had begun was no attempt, so its number is given again.
-- What is by hand needs room below the cap; the automatic rest no hold, a closed circuit or the place of its
-- one probe, and tokens. (`resend_no + 0`: as a plain column it would draw the planner to the unique index, and
-- past every waiting row.)
WITH lane AS MATERIALIZED (
    SELECT lane.endpoint_id,
           least(lane.quantum, %(share)s) AS share,
           greatest(0, least(lane.quantum, %(share)s, lane.max_in_flight - lane.in_flight)) AS room,
           lane.circuit_openings > 0 AS guarded,
           CASE
               WHEN lane.hold_until > statement_timestamp()
                 OR endpoint.status <> 'enabled'
                 OR endpoint.deleted_at IS NOT NULL
               THEN 0
               ELSE least(
                   CASE WHEN lane.circuit_openings > 0 THEN
                       CASE WHEN lane.circuit_until <= statement_timestamp() AND (
                           SELECT due_at FROM dispatcher_delivery
                           WHERE endpoint_id = locked.endpoint_id AND lease_owner IS NOT NULL AND resend_no + 0 = 0
                           ORDER BY due_at LIMIT 1
                       ) IS NULL THEN 1 ELSE 0 END
                   END,
                   CASE WHEN lane.rate_limit IS NOT NULL THEN greatest(0, floor(least(
                       lane.burst,
                       lane.tokens + lane.rate_limit
                                     * extract(epoch FROM statement_timestamp() - lane.tokens_at)::float8
                   )))::int END,
                   lane.max_in_flight
               )
           END AS permitted,
           endpoint.status <> 'enabled' AS disabled,
           endpoint.deleted_at IS NOT NULL AS deleted
    FROM unnest(%(endpoint_ids)s::uuid[]) AS locked (endpoint_id)
    CROSS JOIN LATERAL (
        SELECT * FROM dispatcher_lane WHERE endpoint_id = locked.endpoint_id OFFSET 0
    ) AS lane
    CROSS JOIN LATERAL (
        SELECT * FROM dispatcher_endpoint WHERE id = locked.endpoint_id OFFSET 0
    ) AS endpoint
),
picked AS MATERIALIZED (
    SELECT candidate.*
    FROM lane
    CROSS JOIN LATERAL (
        SELECT * FROM (
            SELECT id, true AS was_leased, attempt_id, claim_no, attempts, started_at
            FROM dispatcher_delivery
            WHERE endpoint_id = lane.endpoint_id
              AND lease_owner IS NOT NULL
              AND due_at <= statement_timestamp()
              AND NOT lane.deleted
              AND (resend_no > 0 OR NOT lane.disabled AND NOT lane.guarded)
            ORDER BY due_at
            LIMIT lane.share
            FOR NO KEY UPDATE SKIP LOCKED
        ) AS expired
        UNION ALL
        SELECT * FROM (
            SELECT * FROM (
                SELECT id, false AS was_leased, attempt_id, claim_no, attempts, started_at
                FROM dispatcher_delivery
                WHERE endpoint_id = lane.endpoint_id
                  AND lease_owner IS NULL
                  AND resend_no > 0
                  AND due_at <= statement_timestamp()
                  AND NOT lane.deleted
                ORDER BY due_at
                LIMIT lane.room
                FOR NO KEY UPDATE SKIP LOCKED
            ) AS by_hand
            UNION ALL
            SELECT * FROM (
                SELECT id, false AS was_leased, attempt_id, claim_no, attempts, started_at
                FROM dispatcher_delivery
                WHERE endpoint_id = lane.endpoint_id
                  AND lease_owner IS NULL
                  AND resend_no = 0
                  AND due_at <= statement_timestamp()
                ORDER BY due_at, id
                LIMIT least(lane.room, lane.permitted)
                FOR NO KEY UPDATE SKIP LOCKED
            ) AS automatic
            LIMIT lane.room
        ) AS waiting
        LIMIT lane.share
    ) AS candidate
),
leased AS (
    UPDATE dispatcher_delivery
    SET claim_no = claim_no + 1,
        lease_owner = %(lease_owner)s,
        started_at = CASE WHEN %(begun)s THEN statement_timestamp() END,
        attempt_id = outbox_uuid7(),
        attempts = attempts + (lease_owner IS NULL OR started_at IS NOT NULL)::int,
        due_at = statement_timestamp() + %(lease)s
    WHERE id = ANY (ARRAY(SELECT id FROM picked))
    RETURNING id, endpoint_id, event_id, claim_no, attempts, attempt_id, resend_no
),
vanished AS (
    INSERT INTO dispatcher_attempt
        (id, delivery_id, endpoint_id, event_id, number, claim_no, started_at, outcome, superseded)
    SELECT picked.attempt_id, leased.id, leased.endpoint_id, leased.event_id, picked.attempts,
           picked.claim_no, picked.started_at, 'unknown', true
    FROM leased
    JOIN picked USING (id)
    WHERE picked.was_leased AND picked.started_at IS NOT NULL
    ON CONFLICT (id) DO NOTHING
)
SELECT leased.id, leased.endpoint_id, leased.event_id, leased.claim_no, leased.attempts, leased.attempt_id,
       picked.was_leased, leased.resend_no > 0,
       event.owner, event.type, event.object_id, event.data, event.request_id, event.idempotency_key, event.previous,
       event.traceparent
FROM leased
JOIN picked USING (id)
LEFT JOIN LATERAL (
    SELECT * FROM outbox_event WHERE id = leased.event_id OFFSET 0
) AS event ON true
