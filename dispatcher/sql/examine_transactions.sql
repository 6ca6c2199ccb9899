-- The transaction in this database that has been open for longest, and for longer than a while.
SELECT pid, coalesce(application_name, ''), state, clock_timestamp() - xact_start
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start < clock_timestamp() - %(while)s::interval
ORDER BY xact_start
LIMIT 1
