-- How many rows a table's default partition holds, up to a bound, and the least id of them from a bound on.
SELECT held, oldest FROM outbox_strays(%(table)s, %(since)s, %(most)s)
