-- How PostgreSQL stands in the middle of a soak: its clients but this one, dead rows of the hot tables, for how long
-- the oldest delivery of an endpoint that works has been due, and what waits for such endpoints and for all.
SELECT (SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()),
       (SELECT coalesce(sum(n_dead_tup), 0)::bigint FROM pg_stat_user_tables
        WHERE relname IN ('dispatcher_delivery', 'dispatcher_lane', 'outbox_pending')),
       (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(due_at)), 0)::float8
        FROM dispatcher_delivery
        WHERE endpoint_id = ANY(%(working)s::uuid[]) AND lease_owner IS NULL AND due_at <= clock_timestamp()),
       (SELECT count(*) FROM outbox_pending)
           + (SELECT count(*) FROM dispatcher_delivery WHERE endpoint_id = ANY(%(working)s::uuid[])),
       (SELECT count(*) FROM outbox_pending) + (SELECT count(*) FROM dispatcher_delivery)
