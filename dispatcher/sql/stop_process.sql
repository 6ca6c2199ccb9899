-- A process ended as it should: it holds nothing any more.
UPDATE dispatcher_process
SET stopped_at = statement_timestamp(), seen_at = statement_timestamp(), in_flight = 0, leases = 0
WHERE id = %(id)s
