-- What dispatchers would have summed up, by spans of so many seconds: of endpoints, of owners, of all. The bounds of
-- the histograms are those of dispatcher/tallies.py.
WITH attempt AS (
    SELECT attempt.endpoint_id, endpoint.owner, number, outcome, failure_code AS code, total_ms,
           date_bin(%(seconds)s * interval '1 second', started_at, timestamptz 'epoch') AS begins_at,
           width_bucket(total_ms, %(durations)s::float8[]) AS duration,
           CASE WHEN number = 1 THEN width_bucket(
               1000 * extract(epoch FROM started_at)::float8
                   - ('x' || left(replace(event_id::text, '-', ''), 12))::bit(48)::bigint,
               %(waits)s::float8[]
           ) END AS wait
    FROM dispatcher_attempt AS attempt
    JOIN bench_endpoint AS endpoint ON endpoint.id = attempt.endpoint_id
    WHERE started_at >= %(since)s AND started_at < %(until)s
),
code AS MATERIALIZED (
    SELECT endpoint_id, owner, begins_at, jsonb_object_agg(code, attempts) AS codes
    FROM (
        SELECT endpoint_id, owner, begins_at, code, count(*) AS attempts
        FROM attempt
        WHERE code IS NOT NULL
        GROUP BY GROUPING SETS ((endpoint_id, begins_at, code), (owner, begins_at, code), (begins_at, code))
    ) AS failed
    GROUP BY endpoint_id, owner, begins_at
),
summed AS MATERIALIZED (
    SELECT endpoint_id, owner, begins_at,
           count(*) FILTER (WHERE outcome = 'succeeded') AS succeeded,
           count(*) FILTER (WHERE outcome <> 'succeeded') AS failed,
           count(*) FILTER (WHERE number = 5) AS dead_lettered, sum(total_ms) AS total_ms,
           ARRAY[
               count(*) FILTER (WHERE duration = 0), count(*) FILTER (WHERE duration = 1),
               count(*) FILTER (WHERE duration = 2), count(*) FILTER (WHERE duration = 3),
               count(*) FILTER (WHERE duration = 4), count(*) FILTER (WHERE duration = 5),
               count(*) FILTER (WHERE duration = 6), count(*) FILTER (WHERE duration = 7),
               count(*) FILTER (WHERE duration = 8), count(*) FILTER (WHERE duration = 9),
               count(*) FILTER (WHERE duration = 10), count(*) FILTER (WHERE duration = 11)
           ]::int[] AS durations,
           ARRAY[
               count(*) FILTER (WHERE wait = 0), count(*) FILTER (WHERE wait = 1),
               count(*) FILTER (WHERE wait = 2), count(*) FILTER (WHERE wait = 3),
               count(*) FILTER (WHERE wait = 4), count(*) FILTER (WHERE wait = 5),
               count(*) FILTER (WHERE wait = 6), count(*) FILTER (WHERE wait = 7),
               count(*) FILTER (WHERE wait = 8), count(*) FILTER (WHERE wait = 9),
               count(*) FILTER (WHERE wait = 10), count(*) FILTER (WHERE wait = 11)
           ]::int[] AS waits
    FROM attempt
    GROUP BY GROUPING SETS ((endpoint_id, begins_at), (owner, begins_at), (begins_at))
)
INSERT INTO dispatcher_rollup
    (subject, seconds, begins_at, scope, succeeded, failed, delivered, dead_lettered, cancelled, skipped, codes,
     total_ms, durations, waits)
SELECT coalesce(summed.endpoint_id, md5(summed.owner)::uuid, '00000000-0000-0000-0000-000000000000'), %(seconds)s,
       summed.begins_at,
       CASE WHEN summed.endpoint_id IS NOT NULL THEN 'endpoint' WHEN summed.owner IS NOT NULL THEN 'owner' ELSE 'all' END,
       succeeded, failed, succeeded, dead_lettered, 0, 0, coalesce(codes, '{}'), total_ms, durations, waits
FROM summed
LEFT JOIN code
  ON code.begins_at = summed.begins_at
 AND code.endpoint_id IS NOT DISTINCT FROM summed.endpoint_id
 AND code.owner IS NOT DISTINCT FROM summed.owner
