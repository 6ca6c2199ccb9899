-- All but the last attempt of a delivery failed, and the last one of those that are dead-lettered.
INSERT INTO dispatcher_attempt
    (id, delivery_id, endpoint_id, event_id, number, claim_no, started_at, outcome, failure_code, detail, status,
     peer_ip, connect_ms, first_byte_ms, total_ms, response)
SELECT bench_id(started, 'attempt' || delivery_id || number), delivery_id, endpoint_id, event_id, number, number,
       to_timestamp(started / 1000.0), CASE WHEN failed THEN 'failed' ELSE 'succeeded' END,
       CASE WHEN failed THEN code END, CASE WHEN failed THEN 'answered 503' END, CASE WHEN failed THEN 503 ELSE 200 END,
       '192.0.2.1', 1, took * 0.9, took, 'HTTP/1.1 200 OK'::bytea
FROM (
    SELECT past.*, number, ms + 5 + n %% 90 + (ARRAY[0, 1000, 6000, 36000, 156000])[number] AS started,
           number < attempts OR dead AS failed, 10 + n %% 97 * 7 AS took
    FROM bench_past(%(first)s, %(last)s, %(began)s, %(step)s) AS past
    CROSS JOIN LATERAL generate_series(1, attempts) AS number
) AS attempt
