-- Delete old messages, oldest first.
WITH old AS MATERIALIZED (
    SELECT id FROM api_cli_message WHERE id < %(bound)s ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
DELETE FROM api_cli_message AS message USING old WHERE message.id = old.id
