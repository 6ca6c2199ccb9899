-- One maintenance at a time, and one that gives way: it never holds up the work for longer than this.
SELECT pg_try_advisory_xact_lock(hashtext('outbox.partitions')), set_config('lock_timeout', '500ms', true)
