-- Third statement of a claim: count the newly leased rows and say when each locked lane is ready again:
-- when its earliest lease ends or, below the cap, when its earliest waiting row is permitted. A served
-- lane is never ready before this very moment, so lanes that waited come first.
WITH lane AS MATERIALIZED (
    SELECT claimed.endpoint_id, claimed.change, lane.in_flight + claimed.change AS in_flight,
           lane.max_in_flight, lane.hold_until, endpoint.disabled, endpoint.deleted
    FROM unnest(%(endpoint_ids)s::uuid[], %(changes)s::int[]) AS claimed (endpoint_id, change)
    CROSS JOIN LATERAL (
        SELECT * FROM dispatcher_lane WHERE endpoint_id = claimed.endpoint_id OFFSET 0
    ) AS lane
    CROSS JOIN LATERAL (
        SELECT status <> 'enabled' AS disabled, deleted_at IS NOT NULL AS deleted
        FROM dispatcher_endpoint
        WHERE id = claimed.endpoint_id
        OFFSET 0
    ) AS endpoint
),
upcoming AS MATERIALIZED (
    SELECT lane.endpoint_id, lane.change, least(
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
                 ELSE greatest(due_at, lane.hold_until)
             END
             FROM dispatcher_delivery
             WHERE endpoint_id = lane.endpoint_id AND lease_owner IS NULL AND resend_no = 0
             ORDER BY due_at, id LIMIT 1)
        ) END
    ) AS moment
    FROM lane
)
UPDATE dispatcher_lane AS lane
SET in_flight = lane.in_flight + upcoming.change,
    ready_at = greatest(clock_timestamp(), coalesce(upcoming.moment, 'infinity'))
FROM upcoming
WHERE lane.endpoint_id = upcoming.endpoint_id
