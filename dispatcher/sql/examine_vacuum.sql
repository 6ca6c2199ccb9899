-- Tables that autovacuum passes over because somebody said so of them; partitions each by itself.
SELECT relname
FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND reloptions IS NOT NULL
  AND EXISTS (
      SELECT FROM pg_options_to_table(reloptions)
      WHERE option_name = 'autovacuum_enabled' AND NOT option_value::bool
  )
ORDER BY relname
LIMIT 10
