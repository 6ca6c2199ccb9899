-- A reading for metrics is given up rather than let to load the database.
SELECT set_config('statement_timeout', %(milliseconds)s::text, false)
