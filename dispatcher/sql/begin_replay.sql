-- When a replay's next delivery is due: a gap behind the last it made, or, where it made none, behind what an earlier
-- replay of the endpoint still has before it. Never before now.
SELECT greatest(
    clock_timestamp(),
    CASE
        WHEN %(behind)s::timestamptz IS NOT NULL THEN %(behind)s::timestamptz + %(gap)s
        ELSE (
            SELECT max(due_at) FILTER (WHERE attempts = 0) + %(gap)s
            FROM (
                SELECT due_at, attempts
                FROM dispatcher_delivery
                WHERE endpoint_id = %(endpoint_id)s AND lease_owner IS NULL AND resend_no > 0
                ORDER BY due_at DESC
                LIMIT 1000
            ) AS by_hand
        )
    END
)
