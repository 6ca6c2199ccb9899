-- Begin a write under its idempotency key, or take up one whose lease ran out; with an answer where it is known already.
-- No row: somebody else holds the key, or it has its answer, or it was another request's. The advisory lock keeps a
-- concurrent request from waiting for our commit: it is told at once.
INSERT INTO api_idempotency_key AS held
    (id, account_id, key, endpoint, fingerprint, request_id, lease_until, status, body, sealed)
SELECT %(id)s, %(account_id)s, %(key)s, %(endpoint)s, %(fingerprint)s, %(request_id)s,
       clock_timestamp() + %(lease)s, %(status)s, %(body)s, %(sealed)s
WHERE pg_try_advisory_xact_lock(%(lock)s)
ON CONFLICT (account_id, key) DO UPDATE
SET id = CASE WHEN held.id < %(kept_from)s THEN EXCLUDED.id ELSE held.id END,
    endpoint = EXCLUDED.endpoint,
    fingerprint = EXCLUDED.fingerprint,
    request_id = EXCLUDED.request_id,
    lease_until = EXCLUDED.lease_until,
    status = EXCLUDED.status,
    body = EXCLUDED.body,
    sealed = EXCLUDED.sealed
WHERE held.id < %(kept_from)s
   OR (held.status IS NULL
       AND held.lease_until <= clock_timestamp()
       AND held.endpoint = EXCLUDED.endpoint
       AND held.fingerprint = EXCLUDED.fingerprint)
RETURNING id
