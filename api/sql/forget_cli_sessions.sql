-- Delete sessions that were over long ago, oldest first.
DELETE FROM api_cli_session
WHERE id IN (
    SELECT id FROM api_cli_session
    WHERE expires_at < %(bound)s
    ORDER BY expires_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
