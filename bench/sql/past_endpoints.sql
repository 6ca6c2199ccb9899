-- Endpoints of an owner, each with its lane; every twentieth is failing now.
WITH made AS (
    SELECT bench_id(%(began)s - 1000 + place, 'endpoint' || %(owner)s || place) AS id, place
    FROM generate_series(0, %(count)s - 1) AS place
),
noted AS (
    INSERT INTO bench_endpoint (owner_no, place, id, owner)
    SELECT %(owner_no)s, place, id, %(owner)s FROM made
),
endpoint AS (
    INSERT INTO dispatcher_endpoint
        (id, owner, url, enabled_events, api_version, status, status_since, secret, ordered, on_dead_letter)
    SELECT id, %(owner)s, 'https://shop-' || place || '.example.com/webhooks', ARRAY['*'], %(api_version)s, 'enabled',
           to_timestamp(%(began)s / 1000.0), %(secret)s, false, 'continue'
    FROM made
)
INSERT INTO dispatcher_lane (endpoint_id, max_in_flight, quantum, failing_since, failure_streak)
SELECT id, 64, 64, CASE WHEN place %% 20 = 3 THEN now() - interval '3 hours' END,
       CASE WHEN place %% 20 = 3 THEN 12 ELSE 0 END
FROM made
