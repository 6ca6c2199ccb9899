-- The partitions of a table that have no part of one of its indexes, by name. One that is made when the index is there
-- gets its part with it.
SELECT partition.relname
FROM pg_inherits AS of_table
JOIN pg_class AS partition ON partition.oid = of_table.inhrelid
WHERE of_table.inhparent = to_regclass(quote_ident(%(table)s))
  AND NOT EXISTS (
      SELECT FROM pg_index AS part
      JOIN pg_inherits AS of_index ON of_index.inhrelid = part.indexrelid
      WHERE part.indrelid = partition.oid AND of_index.inhparent = to_regclass(quote_ident(%(index)s))
  )
ORDER BY partition.relname
