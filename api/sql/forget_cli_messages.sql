-- Delete old messages, oldest first.
DELETE FROM api_cli_message
WHERE id IN (
    SELECT id FROM api_cli_message WHERE id < %(bound)s ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
