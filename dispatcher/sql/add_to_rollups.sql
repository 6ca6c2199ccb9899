-- Add a process' sums to the minute and the hour of each endpoint, of its owner, and of all. One row a key, in the
-- order of keys: so two processes never wait for each other in a circle.
WITH given AS MATERIALIZED (
    SELECT tally.*, endpoint.owner
    FROM json_to_recordset(%(tallies)s::json) AS tally (
        endpoint_id uuid, minute bigint, succeeded int, failed int, delivered int, dead_lettered int, cancelled int,
        skipped int, total_ms float8, codes jsonb, durations int[], waits int[]
    )
    LEFT JOIN LATERAL (
        SELECT owner FROM dispatcher_endpoint WHERE id = tally.endpoint_id OFFSET 0
    ) AS endpoint ON true
),
level AS MATERIALIZED (
    SELECT level.scope, level.subject, span.seconds,
           to_timestamp(60 * minute - 60 * minute %% span.seconds) AS begins_at, given.*
    FROM given
    CROSS JOIN LATERAL (
        VALUES ('endpoint', endpoint_id), ('owner', md5(owner)::uuid),
               ('all', '00000000-0000-0000-0000-000000000000'::uuid)
    ) AS level (scope, subject)
    CROSS JOIN (VALUES (60), (3600)) AS span (seconds)
    WHERE level.subject IS NOT NULL
),
code AS MATERIALIZED (
    SELECT subject, seconds, begins_at, jsonb_object_agg(code, attempts) AS codes
    FROM (
        SELECT subject, seconds, begins_at, failure.key AS code, sum(failure.value::int) AS attempts
        FROM level
        CROSS JOIN LATERAL jsonb_each_text(codes) AS failure
        WHERE codes <> '{}'
        GROUP BY subject, seconds, begins_at, failure.key
    ) AS failed
    GROUP BY subject, seconds, begins_at
)
INSERT INTO dispatcher_rollup AS held
    (subject, seconds, begins_at, scope, succeeded, failed, delivered, dead_lettered, cancelled, skipped, codes,
     total_ms, durations, waits)
SELECT summed.subject, summed.seconds, summed.begins_at, scope, succeeded, failed, delivered, dead_lettered, cancelled,
       skipped, coalesce(code.codes, '{}'), total_ms, durations, waits
FROM (
    SELECT subject, seconds, begins_at, scope, sum(succeeded)::int AS succeeded, sum(failed)::int AS failed,
           sum(delivered)::int AS delivered, sum(dead_lettered)::int AS dead_lettered,
           sum(cancelled)::int AS cancelled, sum(skipped)::int AS skipped, sum(total_ms) AS total_ms,
           ARRAY[
               sum(durations[1])::int, sum(durations[2])::int, sum(durations[3])::int, sum(durations[4])::int,
               sum(durations[5])::int, sum(durations[6])::int, sum(durations[7])::int, sum(durations[8])::int,
               sum(durations[9])::int, sum(durations[10])::int, sum(durations[11])::int, sum(durations[12])::int
           ] AS durations,
           ARRAY[
               sum(waits[1])::int, sum(waits[2])::int, sum(waits[3])::int, sum(waits[4])::int, sum(waits[5])::int,
               sum(waits[6])::int, sum(waits[7])::int, sum(waits[8])::int, sum(waits[9])::int, sum(waits[10])::int,
               sum(waits[11])::int, sum(waits[12])::int
           ] AS waits
    FROM level
    GROUP BY subject, seconds, begins_at, scope
) AS summed
LEFT JOIN code USING (subject, seconds, begins_at)
ORDER BY summed.subject, summed.seconds, summed.begins_at
ON CONFLICT (subject, seconds, begins_at) DO UPDATE
SET succeeded = held.succeeded + excluded.succeeded,
    failed = held.failed + excluded.failed,
    delivered = held.delivered + excluded.delivered,
    dead_lettered = held.dead_lettered + excluded.dead_lettered,
    cancelled = held.cancelled + excluded.cancelled,
    skipped = held.skipped + excluded.skipped,
    total_ms = held.total_ms + excluded.total_ms,
    codes = CASE
        WHEN excluded.codes = '{}' THEN held.codes
        WHEN held.codes = '{}' THEN excluded.codes
        ELSE (
            SELECT jsonb_object_agg(code, attempts)
            FROM (
                SELECT code, sum(attempts::int) AS attempts
                FROM (
                    SELECT * FROM jsonb_each_text(held.codes)
                    UNION ALL
                    SELECT * FROM jsonb_each_text(excluded.codes)
                ) AS both_of_them (code, attempts)
                GROUP BY code
            ) AS added
        )
    END,
    durations = ARRAY[
        held.durations[1] + excluded.durations[1], held.durations[2] + excluded.durations[2], held.durations[3] +
        excluded.durations[3], held.durations[4] + excluded.durations[4], held.durations[5] + excluded.durations[5],
        held.durations[6] + excluded.durations[6], held.durations[7] + excluded.durations[7], held.durations[8] +
        excluded.durations[8], held.durations[9] + excluded.durations[9], held.durations[10] + excluded.durations[10],
        held.durations[11] + excluded.durations[11], held.durations[12] + excluded.durations[12]
    ],
    waits = ARRAY[
        held.waits[1] + excluded.waits[1], held.waits[2] + excluded.waits[2], held.waits[3] + excluded.waits[3],
        held.waits[4] + excluded.waits[4], held.waits[5] + excluded.waits[5], held.waits[6] + excluded.waits[6],
        held.waits[7] + excluded.waits[7], held.waits[8] + excluded.waits[8], held.waits[9] + excluded.waits[9],
        held.waits[10] + excluded.waits[10], held.waits[11] + excluded.waits[11], held.waits[12] + excluded.waits[12]
    ]
