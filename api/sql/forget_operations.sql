-- Delete answers that are no longer replayed, oldest first.
DELETE FROM api_idempotency_key
WHERE id IN (
    SELECT id FROM api_idempotency_key
    WHERE id < %(kept_from)s
    ORDER BY id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
