-- First statement of the bare loop's claim: the lanes that have waited longest.
SELECT endpoint_id
FROM dispatcher_lane
WHERE ready_at <= statement_timestamp() AND ready_at < 'infinity'
ORDER BY ready_at
LIMIT $1
FOR NO KEY UPDATE SKIP LOCKED
