-- Third statement of a claim: count the newly leased rows, take a token for each leased one, and say when each
-- locked lane is ready again: when its earliest lease ends or, below the cap, when its earliest waiting row is
-- permitted. A served lane is never ready before this very moment, so lanes that waited come first.
-- (`resend_no + 0`: as in lease_deliveries.)
WITH lane AS MATERIALIZED (
    SELECT claimed.endpoint_id, claimed.change, lane.in_flight + claimed.change AS in_flight,
           lane.max_in_flight, lane.hold_until, lane.circuit_openings, lane.circuit_until, lane.rate_limit,
           endpoint.disabled, endpoint.deleted, bucket.tokens, bucket.tokens_at
    FROM unnest(%(endpoint_ids)s::uuid[], %(changes)s::int[], %(taken)s::int[])
        AS claimed (endpoint_id, change, taken)
    CROSS JOIN LATERAL (
        SELECT * FROM dispatcher_lane WHERE endpoint_id = claimed.endpoint_id OFFSET 0
    ) AS lane
    CROSS JOIN LATERAL (
        SELECT status <> 'enabled' AS disabled, deleted_at IS NOT NULL AS deleted
        FROM dispatcher_endpoint
        WHERE id = claimed.endpoint_id
        OFFSET 0
    ) AS endpoint
    CROSS JOIN LATERAL (
        SELECT least(
                   lane.burst,
                   lane.tokens + lane.rate_limit
                                 * extract(epoch FROM statement_timestamp() - lane.tokens_at)::float8
               ) - claimed.taken AS tokens,
               statement_timestamp() AS tokens_at
        WHERE lane.rate_limit IS NOT NULL AND claimed.taken > 0
        UNION ALL
        SELECT lane.tokens, lane.tokens_at
        WHERE lane.rate_limit IS NULL OR claimed.taken = 0
    ) AS bucket
),
permitted AS MATERIALIZED (
    SELECT lane.*, CASE
        -- Behind the probe, whose end wakes the lane.
        WHEN circuit_openings > 0 AND (
            SELECT due_at FROM dispatcher_delivery
            WHERE endpoint_id = lane.endpoint_id AND lease_owner IS NOT NULL AND resend_no + 0 = 0
            ORDER BY due_at LIMIT 1
        ) IS NOT NULL THEN 'infinity'
        ELSE greatest(hold_until, circuit_until, CASE WHEN rate_limit IS NOT NULL AND tokens < 1 THEN
            tokens_at + make_interval(secs => (1 - tokens) / rate_limit + 0.000001)
        END)
    END AS permitted_at
    FROM lane
),
upcoming AS MATERIALIZED (
    SELECT lane.endpoint_id, lane.change, lane.tokens, lane.tokens_at, least(
        (SELECT due_at FROM dispatcher_delivery
         WHERE endpoint_id = lane.endpoint_id AND lease_owner IS NOT NULL
         ORDER BY due_at LIMIT 1),
        CASE WHEN lane.in_flight < lane.max_in_flight OR lane.disabled OR lane.deleted THEN least(
            (SELECT due_at FROM dispatcher_delivery
             WHERE endpoint_id = lane.endpoint_id AND lease_owner IS NULL AND resend_no > 0
             ORDER BY due_at LIMIT 1),
            (SELECT CASE
                 WHEN lane.deleted THEN '-infinity'
                 WHEN lane.disabled THEN due_at
                 ELSE greatest(due_at, lane.permitted_at)
             END
             FROM dispatcher_delivery
             WHERE endpoint_id = lane.endpoint_id AND lease_owner IS NULL AND resend_no = 0
             ORDER BY due_at, id LIMIT 1)
        ) END
    ) AS moment
    FROM permitted AS lane
)
UPDATE dispatcher_lane AS lane
SET in_flight = lane.in_flight + upcoming.change,
    tokens = upcoming.tokens,
    tokens_at = upcoming.tokens_at,
    ready_at = greatest(clock_timestamp(), coalesce(upcoming.moment, 'infinity'))
FROM upcoming
WHERE lane.endpoint_id = ANY (ARRAY[upcoming.endpoint_id]) -- as in touch_lanes
