-- Whether this role may make and drop partitions; where it may not, another one does.
SELECT has_function_privilege('outbox_drop_partition(text, text)', 'EXECUTE')
