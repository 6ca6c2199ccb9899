-- Delete confirmations that are too old to be used again, oldest first.
WITH old AS MATERIALIZED (
    SELECT id FROM api_used_confirmation WHERE id < %(bound)s ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
DELETE FROM api_used_confirmation AS used USING old WHERE used.id = old.id
