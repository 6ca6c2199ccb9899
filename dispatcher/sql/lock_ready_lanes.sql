-- First statement of a claim: lock the lanes that have waited longest, with the endpoint each leads to.
-- Nothing is ready while deliveries are paused.
SELECT lane.endpoint_id,
       endpoint.url,
       endpoint.api_version,
       endpoint.secret,
       CASE WHEN endpoint.previous_secret_expires_at > statement_timestamp() THEN endpoint.previous_secret END,
       endpoint.send_traceparent,
       endpoint.status <> 'enabled' OR endpoint.deleted_at IS NOT NULL,
       extract(epoch FROM statement_timestamp())::float8,
       lane.circuit_openings > 0
FROM (
    SELECT endpoint_id, circuit_openings
    FROM dispatcher_lane
    WHERE ready_at <= statement_timestamp()
      AND ready_at < 'infinity'
      AND NOT EXISTS (SELECT FROM dispatcher_pause)
    ORDER BY ready_at
    LIMIT %(lanes)s
    FOR NO KEY UPDATE SKIP LOCKED
) AS lane
CROSS JOIN LATERAL (
    SELECT * FROM dispatcher_endpoint WHERE id = lane.endpoint_id OFFSET 0
) AS endpoint
