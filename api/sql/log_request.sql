-- Write a request down without waiting for the disk: a log line is worth no flush.
WITH off AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
INSERT INTO api_request_log
    (id, method, path, status, milliseconds, api_version, asked_version, account_id, key_id, idempotency_key,
     error_code, parameters)
SELECT %(id)s, %(method)s, %(path)s, %(status)s, %(milliseconds)s, %(api_version)s, %(asked_version)s,
       %(account_id)s, %(key_id)s, %(idempotency_key)s, %(error_code)s, %(parameters)s
FROM off
