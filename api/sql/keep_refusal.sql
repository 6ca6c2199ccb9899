-- Keep the refusal of a write whose transaction was rolled back, and its key with it. A key that another request has
-- begun meanwhile is that request's.
INSERT INTO api_idempotency_key AS held
    (id, account_id, key, endpoint, fingerprint, request_id, lease_until, status, body, sealed)
VALUES (%(id)s, %(account_id)s, %(key)s, %(endpoint)s, %(fingerprint)s, %(request_id)s,
        clock_timestamp(), %(status)s, %(body)s, false)
ON CONFLICT (account_id, key) DO UPDATE
SET status = EXCLUDED.status, body = EXCLUDED.body
WHERE held.id = EXCLUDED.id AND held.status IS NULL
