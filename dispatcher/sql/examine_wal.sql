-- Bytes of WAL on the server's disk; for those that may list it.
SELECT coalesce(sum(size), 0)::bigint FROM pg_ls_waldir()
