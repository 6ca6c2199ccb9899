-- The one pass over lanes of a transaction in which automatic attempts failed, in order of id: everything that
-- touch_lanes does, and let the circuit and the span of nothing but failures follow. Gives the lanes whose span has
-- come to a mark that was not told of.
WITH touched AS MATERIALIZED (
    SELECT * FROM unnest(
        %(endpoint_ids)s::uuid[], %(unleased)s::int[], %(wake_at)s::timestamptz[],
        %(whatever_holds_at)s::timestamptz[], %(hold_for)s::interval[],
        %(succeeded)s::bool[], %(failures)s::int[], %(last_failure_began)s::float8[]
    ) AS touched (
        endpoint_id, unleased, wake_at, whatever_holds_at, hold_for, succeeded, failures, last_failure_began
    )
),
lane AS MATERIALIZED (
    SELECT *
    FROM dispatcher_lane
    WHERE endpoint_id = ANY (%(endpoint_ids)s::uuid[])
    ORDER BY endpoint_id
    FOR NO KEY UPDATE
),
-- The lane after its last success of this transaction, with the failures that followed counted but not judged.
counted AS MATERIALIZED (
    SELECT touched.*, clock_timestamp() AS moment, lane.hold_until, lane.max_in_flight,
           lane.in_flight AS in_flight_before, lane.in_flight - touched.unleased AS in_flight,
           lane.circuit_openings > 0 AND touched.succeeded AS closes, lane.circuit_until,
           CASE WHEN touched.succeeded THEN 0 ELSE lane.circuit_openings END AS circuit_openings,
           CASE WHEN touched.succeeded THEN 0 ELSE lane.failure_streak END + touched.failures AS failure_streak,
           CASE WHEN NOT touched.succeeded THEN lane.failing_since END AS failing_since,
           CASE WHEN touched.succeeded THEN 0 ELSE lane.warned_percent END AS warned_percent,
           CASE WHEN lane.rate_limit IS NOT NULL AND lane.tokens < 1
                THEN lane.tokens_at + make_interval(secs => (1 - lane.tokens) / lane.rate_limit + 0.000001)
           END AS next_token_at
    FROM touched
    JOIN lane USING (endpoint_id)
),
-- A closed circuit opens at the threshold. An open one reopens for longer when a send fails that began after the
-- pause: those that were under way when it opened tell nothing new.
judged AS MATERIALIZED (
    SELECT counted.*,
           CASE WHEN failures > 0 THEN coalesce(failing_since, moment) ELSE failing_since END AS failing_from,
           failures > 0 AND CASE
               WHEN circuit_openings = 0 THEN failure_streak >= %(circuit_threshold)s
               ELSE to_timestamp(last_failure_began) >= circuit_until
           END AS opens
    FROM counted
),
decided AS MATERIALIZED (
    SELECT judged.*,
           greatest(hold_until, moment + hold_for) AS held_until,
           circuit_openings + opens::int AS openings,
           closes OR circuit_openings + opens::int > 0 AND unleased > 0 AS ends_probe,
           CASE
               WHEN opens THEN moment + make_interval(
                   secs => least(%(pause_cap)s, %(pause)s * 2 ^ least(circuit_openings, 60))
               )
               WHEN circuit_openings = 0 THEN '-infinity'
               ELSE circuit_until
           END AS open_until
    FROM judged
),
changed AS (
    UPDATE dispatcher_lane
    SET in_flight = decided.in_flight,
        hold_until = decided.held_until,
        failure_streak = decided.failure_streak,
        circuit_openings = decided.openings,
        circuit_until = decided.open_until,
        failing_since = decided.failing_from,
        warned_percent = decided.warned_percent,
        ready_at = least(
            dispatcher_lane.ready_at,
            decided.whatever_holds_at,
            CASE
                WHEN decided.in_flight_before >= decided.max_in_flight AND decided.in_flight < decided.max_in_flight
                THEN decided.moment
            END,
            CASE WHEN decided.wake_at IS NOT NULL OR decided.ends_probe THEN greatest(
                CASE WHEN decided.ends_probe THEN decided.moment ELSE decided.wake_at END,
                decided.held_until, decided.open_until, decided.next_token_at
            ) END
        )
    FROM decided
    WHERE dispatcher_lane.endpoint_id = ANY (ARRAY[decided.endpoint_id]) -- as in touch_lanes
)
SELECT endpoint_id
FROM decided
WHERE failures > 0
  AND EXISTS (
      SELECT FROM unnest(%(marks)s::int[]) AS mark
      WHERE mark > warned_percent
        AND mark <= extract(epoch FROM moment - failing_from) * 100 / %(disable_after)s::float8
  )
