-- Whether a table has partitions instead of rows.
SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(quote_ident(%(table)s))
