-- Delete sessions of the portal that were over long ago, oldest first.
WITH old AS MATERIALIZED (
    SELECT id FROM api_portal_session
    WHERE expires_at < %(bound)s
    ORDER BY expires_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
DELETE FROM api_portal_session AS session USING old WHERE session.id = old.id
