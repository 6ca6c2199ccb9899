-- Keep the answer of a write that was begun; one that has an answer keeps it.
UPDATE api_idempotency_key
SET status = %(status)s, body = %(body)s, sealed = %(sealed)s
WHERE id = %(id)s AND status IS NULL
