-- Put off the lane that would be claimed next, because claiming it fails.
UPDATE dispatcher_lane
SET ready_at = clock_timestamp() + interval '30 seconds'
WHERE endpoint_id = (
    SELECT endpoint_id
    FROM dispatcher_lane
    WHERE ready_at <= statement_timestamp() AND ready_at < 'infinity'
    ORDER BY ready_at
    LIMIT 1
    FOR NO KEY UPDATE SKIP LOCKED
)
RETURNING endpoint_id
