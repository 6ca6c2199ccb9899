-- Make a partition where it is missing; says whether it was.
SELECT outbox_make_partition(%(table)s, %(partition)s, %(low)s, %(high)s)
