INSERT INTO api_request_log (id, method, path, status, milliseconds, api_version, account_id)
SELECT bench_id(%(began)s + (n * %(step)s)::bigint, 'request' || n), CASE WHEN n %% 3 = 0 THEN 'GET' ELSE 'POST' END,
       '/v1/payment_intents', CASE WHEN n %% 40 = 0 THEN 402 ELSE 200 END, 4 + n %% 30, %(api_version)s,
       (%(accounts)s::uuid[])[1 + n %% array_length(%(accounts)s::uuid[], 1)]
FROM generate_series(0, %(count)s - 1) AS n
