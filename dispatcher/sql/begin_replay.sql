-- When a replay's first delivery is due: now, or behind what an earlier replay of the endpoint still has before it.
SELECT greatest(clock_timestamp(), max(due_at) FILTER (WHERE attempts = 0) + %(gap)s)
FROM (
    SELECT due_at, attempts
    FROM dispatcher_delivery
    WHERE endpoint_id = %(endpoint_id)s AND lease_owner IS NULL AND resend_no > 0
    ORDER BY due_at DESC
    LIMIT 1000
) AS by_hand
