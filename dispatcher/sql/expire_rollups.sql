-- Delete rollups of one kind that are past their retention, oldest first; what somebody else deletes is left to them.
DELETE FROM dispatcher_rollup
WHERE ctid = ANY (ARRAY(
    SELECT ctid
    FROM dispatcher_rollup
    WHERE scope = %(scope)s AND seconds = %(seconds)s AND begins_at < statement_timestamp() - %(kept)s::interval
    ORDER BY begins_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
))
