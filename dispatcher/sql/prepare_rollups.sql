-- For the transaction that writes sums: it waits for nobody long, and what a crash of PostgreSQL takes of the last
-- half second only charts miss.
SELECT set_config('lock_timeout', %(milliseconds)s::text, true), set_config('synchronous_commit', 'off', true)
