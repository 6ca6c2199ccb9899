-- Replication slots, by the bytes of WAL that each holds back, the most first.
SELECT slot_name, active,
       pg_wal_lsn_diff(
           CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, restart_lsn
       )::bigint AS held
FROM pg_replication_slots
WHERE restart_lsn IS NOT NULL
ORDER BY held DESC
LIMIT 10
