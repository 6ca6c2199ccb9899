-- Bytes of the tables that history fills, indexes and all partitions included.
SELECT root.relname, sum(pg_total_relation_size(part.relid))
FROM pg_class root
CROSS JOIN LATERAL pg_partition_tree(root.oid) AS part
WHERE root.relname IN ('outbox_event', 'dispatcher_finished_delivery', 'dispatcher_attempt')
GROUP BY root.relname
ORDER BY root.relname;
