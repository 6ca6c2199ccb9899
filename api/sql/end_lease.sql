-- Let the next retry take an unfinished write up at once: the request that held it has come to its end.
UPDATE api_idempotency_key
SET lease_until = clock_timestamp()
WHERE id = %(id)s AND request_id = %(request_id)s AND status IS NULL
