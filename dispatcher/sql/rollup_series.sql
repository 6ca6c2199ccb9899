-- The attempts of several endpoints in a range, in parts of equal width.
SELECT subject, floor(extract(epoch FROM begins_at - %(origin)s) / %(width)s)::int AS part,
       sum(succeeded)::int, sum(failed)::int
FROM unnest(%(subjects)s::uuid[]) AS endpoint (id)
CROSS JOIN LATERAL (
    SELECT subject, begins_at, succeeded, failed
    FROM dispatcher_rollup
    WHERE subject = endpoint.id AND seconds = %(seconds)s AND begins_at >= %(origin)s AND begins_at < %(end)s
    OFFSET 0
) AS held
GROUP BY subject, part
