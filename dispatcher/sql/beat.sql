-- A process tells that it lives, how much it holds, and what last went wrong; the clock is the database's.
INSERT INTO dispatcher_process
    (id, kind, host, pid, version, executor, concurrency, in_flight, leases, stopping, last_error, last_error_at)
VALUES (
    %(id)s, %(kind)s, %(host)s, %(pid)s, %(version)s, %(executor)s, %(concurrency)s, %(in_flight)s, %(leases)s,
    %(stopping)s, %(last_error)s, %(last_error_at)s
)
ON CONFLICT (id) DO UPDATE
SET seen_at = excluded.seen_at, in_flight = excluded.in_flight, leases = excluded.leases,
    stopping = excluded.stopping, last_error = excluded.last_error, last_error_at = excluded.last_error_at
