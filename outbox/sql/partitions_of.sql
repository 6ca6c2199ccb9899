-- The partitions of a table that are named by their period, oldest first.
SELECT relname::text
FROM pg_inherits
JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = to_regclass(%(table)s) AND relname ~ ('^' || %(table)s || '_[0-9]+$')
ORDER BY relname
