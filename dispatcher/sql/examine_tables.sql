-- Tables with many dead rows, the worst first; partitions each by itself.
SELECT relname, n_live_tup, n_dead_tup, pg_table_size(relid), greatest(last_vacuum, last_autovacuum)
FROM pg_stat_user_tables
WHERE schemaname = current_schema() AND n_dead_tup > %(least)s AND n_dead_tup > n_live_tup * %(ratio)s
ORDER BY n_dead_tup DESC
LIMIT 10
