-- Where the tables are and whose they are; no row before they are migrated.
SELECT current_database()::text, pg_namespace.nspname::text, pg_get_userbyid(pg_class.relowner)::text
FROM pg_class
JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE pg_class.oid = to_regclass('outbox_event')
