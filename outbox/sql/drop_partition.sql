-- Drop a partition with all it holds.
SELECT outbox_drop_partition(%(table)s, %(partition)s)
