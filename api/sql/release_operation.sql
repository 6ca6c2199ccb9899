-- Give a key back that was begun for a request which turned out to be no valid one.
DELETE FROM api_idempotency_key
WHERE id = %(id)s AND status IS NULL
