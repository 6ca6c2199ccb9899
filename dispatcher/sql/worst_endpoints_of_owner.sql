-- The endpoints of an owner with the most failed attempts in a range, of a bounded number of theirs: those whose last
-- attempts failed first, then the newest.
WITH candidate AS MATERIALIZED (
    SELECT endpoint.id, endpoint.owner, endpoint.url, endpoint.status
    FROM dispatcher_endpoint AS endpoint
    CROSS JOIN LATERAL (
        SELECT failing_since FROM dispatcher_lane WHERE endpoint_id = endpoint.id OFFSET 0
    ) AS lane
    WHERE endpoint.owner = %(owner)s AND endpoint.deleted_at IS NULL
    ORDER BY lane.failing_since IS NULL, endpoint.id DESC
    LIMIT %(most)s
)
SELECT candidate.id, candidate.owner, candidate.url, candidate.status, false, summed.succeeded, summed.failed
FROM candidate
CROSS JOIN LATERAL (
    SELECT sum(succeeded)::int AS succeeded, sum(failed)::int AS failed
    FROM dispatcher_rollup
    WHERE subject = candidate.id AND seconds = %(seconds)s AND begins_at >= %(origin)s AND begins_at < %(end)s
    OFFSET 0
) AS summed
WHERE summed.failed > 0
ORDER BY summed.failed DESC, candidate.id
LIMIT %(limit)s
