-- How endpoints do, a row each. Queues are counted up to a bound; the last success and failure are looked for by the
-- hour, then by the minute within that hour, so each costs the hours of the retention at most.
SELECT endpoint.id, endpoint.status, lane.circuit_openings, lane.circuit_until > statement_timestamp(),
       nullif(greatest(lane.circuit_until, statement_timestamp()), statement_timestamp()),
       nullif(greatest(lane.hold_until, statement_timestamp()), statement_timestamp()),
       lane.failing_since, lane.failure_streak,
       extract(epoch FROM statement_timestamp() - lane.failing_since)::float8,
       lane.in_flight, lane.max_in_flight, queue.length, oldest.due_at,
       coalesce(succeeded_minute.begins_at, succeeded_hour.begins_at),
       coalesce(failed_minute.begins_at, failed_hour.begins_at)
FROM unnest(%(endpoint_ids)s::uuid[]) AS asked (id)
CROSS JOIN LATERAL (SELECT id, status FROM dispatcher_endpoint WHERE id = asked.id OFFSET 0) AS endpoint
CROSS JOIN LATERAL (SELECT * FROM dispatcher_lane WHERE endpoint_id = asked.id OFFSET 0) AS lane
CROSS JOIN LATERAL (
    SELECT count(*)::int AS length
    FROM (
        SELECT * FROM (
            SELECT FROM dispatcher_delivery
            WHERE endpoint_id = asked.id AND lease_owner IS NULL AND resend_no = 0 LIMIT %(most)s
        ) AS automatic
        UNION ALL
        SELECT * FROM (
            SELECT FROM dispatcher_delivery
            WHERE endpoint_id = asked.id AND lease_owner IS NULL AND resend_no > 0 LIMIT %(most)s
        ) AS by_hand
        LIMIT %(most)s
    ) AS waiting
) AS queue
LEFT JOIN LATERAL (
    SELECT due_at FROM dispatcher_delivery
    WHERE endpoint_id = asked.id AND lease_owner IS NULL AND resend_no = 0 AND due_at < 'infinity'
    ORDER BY due_at LIMIT 1
) AS oldest ON true
LEFT JOIN LATERAL (
    SELECT begins_at FROM dispatcher_rollup
    WHERE subject = asked.id AND seconds = 3600 AND succeeded > 0 ORDER BY begins_at DESC LIMIT 1
) AS succeeded_hour ON true
LEFT JOIN LATERAL (
    SELECT begins_at FROM dispatcher_rollup
    WHERE subject = asked.id AND seconds = 60 AND succeeded > 0 AND begins_at >= succeeded_hour.begins_at
      AND begins_at < succeeded_hour.begins_at + interval '1 hour'
    ORDER BY begins_at DESC LIMIT 1
) AS succeeded_minute ON true
LEFT JOIN LATERAL (
    SELECT begins_at FROM dispatcher_rollup
    WHERE subject = asked.id AND seconds = 3600 AND failed > 0 ORDER BY begins_at DESC LIMIT 1
) AS failed_hour ON true
LEFT JOIN LATERAL (
    SELECT begins_at FROM dispatcher_rollup
    WHERE subject = asked.id AND seconds = 60 AND failed > 0 AND begins_at >= failed_hour.begins_at
      AND begins_at < failed_hour.begins_at + interval '1 hour'
    ORDER BY begins_at DESC LIMIT 1
) AS failed_minute ON true
