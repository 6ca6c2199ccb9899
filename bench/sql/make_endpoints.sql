-- So many endpoints with their lanes, numbered from `first`: each of an owner of its own, with a secret that is sealed already.
WITH endpoint AS (
    INSERT INTO dispatcher_endpoint (id, owner, url, enabled_events, api_version, secret)
    SELECT outbox_uuid7(), 'acct_bench_' || n, %(url)s, '{*}', '2026-10-28.endive', %(secret)s
    FROM generate_series(%(first)s::int, %(first)s::int + %(count)s::int - 1) AS n
    RETURNING id
),
lane AS (
    INSERT INTO dispatcher_lane (endpoint_id, max_in_flight, quantum)
    SELECT id, %(max_in_flight)s, %(quantum)s FROM endpoint
)
SELECT id FROM endpoint
