-- The server behind this connection: what of it matters to outbox and dispatcher.
SELECT current_setting('server_version_num')::int, current_setting('server_version'), pg_is_in_recovery(),
       current_setting('transaction_read_only')::bool, current_setting('fsync')::bool,
       current_setting('full_page_writes')::bool, current_setting('synchronous_commit'),
       current_setting('autovacuum')::bool AND current_setting('track_counts')::bool,
       current_setting('wal_level'),
       -- What is kept for superusers is for nobody of ours; 16 and later keep some for others as well.
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
           - coalesce(current_setting('reserved_connections', true), '0')::int,
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
       (SELECT age(datfrozenxid) FROM pg_database WHERE datname = current_database())
