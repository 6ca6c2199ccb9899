-- Delete answers that are no longer replayed, oldest first.
WITH old AS MATERIALIZED (
    SELECT id FROM api_idempotency_key WHERE id < %(kept_from)s ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
DELETE FROM api_idempotency_key AS operation USING old WHERE operation.id = old.id
