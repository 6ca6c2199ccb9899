-- The transaction of this database that has been prepared, and neither committed nor rolled back, for longest, and
-- for longer than a while.
SELECT gid, clock_timestamp() - prepared
FROM pg_prepared_xacts
WHERE database = current_database() AND prepared < clock_timestamp() - %(while)s::interval
ORDER BY prepared
LIMIT 1
