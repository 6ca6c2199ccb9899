-- Delete what processes told of themselves that were last seen long ago, a bounded number at once.
DELETE FROM dispatcher_process
WHERE id = ANY (ARRAY(
    SELECT id
    FROM dispatcher_process
    WHERE seen_at < statement_timestamp() - %(kept)s::interval
    ORDER BY seen_at
    LIMIT 1000
    FOR UPDATE SKIP LOCKED
))
