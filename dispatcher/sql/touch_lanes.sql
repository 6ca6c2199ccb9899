-- The one pass over lanes of a transaction, in order of id: give back leases, hold, let a success close the circuit
-- and end the span of failures, and wake for new work. A lane that leaves its cap is woken at once, for work by hand
-- may wait behind it. Where automatic attempts failed, judge_lanes does all of this and more, at twice the cost.
WITH touched AS MATERIALIZED (
    SELECT *, succeeded OR unleased > 0 AS ends_probe
    FROM unnest(
        %(endpoint_ids)s::uuid[], %(unleased)s::int[], %(wake_at)s::timestamptz[],
        %(whatever_holds_at)s::timestamptz[], %(hold_for)s::interval[], %(succeeded)s::bool[]
    ) AS touched (endpoint_id, unleased, wake_at, whatever_holds_at, hold_for, succeeded)
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
    failure_streak = CASE WHEN touched.succeeded THEN 0 ELSE dispatcher_lane.failure_streak END,
    circuit_openings = CASE WHEN touched.succeeded THEN 0 ELSE dispatcher_lane.circuit_openings END,
    circuit_until = CASE WHEN touched.succeeded THEN '-infinity' ELSE dispatcher_lane.circuit_until END,
    failing_since = CASE WHEN NOT touched.succeeded THEN dispatcher_lane.failing_since END,
    warned_percent = CASE WHEN touched.succeeded THEN 0 ELSE dispatcher_lane.warned_percent END,
    ready_at = least(
        dispatcher_lane.ready_at,
        touched.whatever_holds_at,
        CASE
            WHEN dispatcher_lane.in_flight >= dispatcher_lane.max_in_flight
             AND dispatcher_lane.in_flight - touched.unleased < dispatcher_lane.max_in_flight
            THEN clock_timestamp()
        END,
        -- The end of the probe, or of the pause, lets go what waits and was not woken for it.
        CASE WHEN touched.wake_at IS NOT NULL OR touched.ends_probe AND dispatcher_lane.circuit_openings > 0 THEN
            greatest(
                CASE WHEN touched.ends_probe AND dispatcher_lane.circuit_openings > 0
                     THEN clock_timestamp() ELSE touched.wake_at END,
                dispatcher_lane.hold_until,
                clock_timestamp() + touched.hold_for,
                CASE WHEN NOT touched.succeeded THEN dispatcher_lane.circuit_until END,
                CASE WHEN dispatcher_lane.rate_limit IS NOT NULL AND dispatcher_lane.tokens < 1 THEN
                    dispatcher_lane.tokens_at
                    + make_interval(secs => (1 - dispatcher_lane.tokens) / dispatcher_lane.rate_limit + 0.000001)
                END
            )
        END
    )
FROM touched
WHERE (SELECT count(*) FROM lane) IS NOT NULL -- locks them all, in order, before the first is changed
  -- `= ANY (ARRAY[…])` is a lookup a lane in every plan; `=` is also one scan of all lanes for each.
  AND dispatcher_lane.endpoint_id = ANY (ARRAY[touched.endpoint_id])
