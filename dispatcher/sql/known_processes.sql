-- Processes as they last told of themselves, the last seen first.
SELECT id, kind, host, pid, version, executor, concurrency, started_at, seen_at,
       greatest(statement_timestamp() - seen_at, interval '0'), in_flight, leases, stopping, stopped_at,
       last_error, last_error_at
FROM dispatcher_process
ORDER BY seen_at DESC
LIMIT %(limit)s
