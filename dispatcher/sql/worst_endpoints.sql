-- The endpoints with the most failed attempts in a range. Candidates are those that failed most in each of its spans,
-- so however many endpoints there are, each span is looked at as far as a few rows.
WITH candidate AS MATERIALIZED (
    SELECT worst.subject, sum(worst.failed) AS failed
    FROM generate_series(0, %(spans)s - 1) AS span (number)
    CROSS JOIN LATERAL (
        SELECT subject, failed
        FROM dispatcher_rollup
        WHERE scope = 'endpoint' AND seconds = %(search_seconds)s
          AND begins_at = %(search_origin)s::timestamptz + span.number * %(search_seconds)s * interval '1 second'
          AND failed > 0
        ORDER BY failed DESC
        LIMIT %(each)s
    ) AS worst
    GROUP BY worst.subject
    ORDER BY failed DESC, worst.subject
    LIMIT 2 * %(limit)s
)
SELECT endpoint.id, endpoint.owner, endpoint.url, endpoint.status, endpoint.deleted_at IS NOT NULL,
       summed.succeeded, summed.failed
FROM candidate
CROSS JOIN LATERAL (
    SELECT sum(succeeded)::int AS succeeded, sum(failed)::int AS failed
    FROM dispatcher_rollup
    WHERE subject = candidate.subject AND seconds = %(seconds)s AND begins_at >= %(origin)s AND begins_at < %(end)s
    OFFSET 0
) AS summed
CROSS JOIN LATERAL (
    SELECT id, owner, url, status, deleted_at FROM dispatcher_endpoint WHERE id = candidate.subject OFFSET 0
) AS endpoint
WHERE summed.failed > 0
ORDER BY summed.failed DESC, endpoint.id
LIMIT %(limit)s
