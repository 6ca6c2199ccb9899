-- The last attempt of each of several deliveries. An attempt is younger than its delivery, so that partitions of
-- earlier days need not be looked into.
SELECT delivery.id, attempt.outcome, attempt.failure_code, attempt.status, attempt.started_at
FROM unnest(%(delivery_ids)s::uuid[], %(floors)s::uuid[]) AS delivery (id, floor)
CROSS JOIN LATERAL (
    SELECT outcome, failure_code, status, started_at
    FROM dispatcher_attempt
    WHERE delivery_id = delivery.id AND id >= delivery.floor
    ORDER BY number DESC, id DESC
    LIMIT 1
) AS attempt
