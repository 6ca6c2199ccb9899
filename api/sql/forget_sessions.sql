-- Delete sessions of the operations pages that are over.
WITH old AS MATERIALIZED (
    SELECT session_key FROM django_session
    WHERE expire_date < clock_timestamp()
    ORDER BY expire_date
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
DELETE FROM django_session AS session USING old WHERE session.session_key = old.session_key
