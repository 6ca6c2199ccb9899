-- The one pass over lanes of a transaction, in order of id: give back leases, hold, and wake for new work.
-- A lane that leaves its cap is woken at once, for what waited behind it; some work ignores holds.
WITH touched AS MATERIALIZED (
    SELECT * FROM unnest(
        %(endpoint_ids)s::uuid[], %(unleased)s::int[], %(wake_at)s::timestamptz[],
        %(whatever_holds_at)s::timestamptz[], %(hold_for)s::interval[]
    ) AS touched (endpoint_id, unleased, wake_at, whatever_holds_at, hold_for)
),
lane AS MATERIALIZED (
    SELECT endpoint_id
    FROM dispatcher_lane
    WHERE endpoint_id = ANY (%(endpoint_ids)s::uuid[])
    ORDER BY endpoint_id
    FOR NO KEY UPDATE
)
UPDATE dispatcher_lane
SET in_flight = dispatcher_lane.in_flight - touched.unleased,
    hold_until = greatest(dispatcher_lane.hold_until, clock_timestamp() + touched.hold_for),
    ready_at = least(
        dispatcher_lane.ready_at,
        touched.whatever_holds_at,
        CASE
            WHEN dispatcher_lane.in_flight >= dispatcher_lane.max_in_flight
             AND dispatcher_lane.in_flight - touched.unleased < dispatcher_lane.max_in_flight
            THEN clock_timestamp()
        END,
        CASE WHEN touched.wake_at IS NOT NULL THEN
            greatest(touched.wake_at, dispatcher_lane.hold_until, clock_timestamp() + touched.hold_for)
        END
    )
FROM touched
JOIN lane USING (endpoint_id)
WHERE dispatcher_lane.endpoint_id = lane.endpoint_id
