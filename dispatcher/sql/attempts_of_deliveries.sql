-- The last attempts of some deliveries, without what was answered. Attempts lie between their delivery's beginning and
-- its end: partitions of other days are not looked into.
SELECT attempt.id, attempt.delivery_id, attempt.number, attempt.started_at, attempt.outcome, attempt.failure_code,
       attempt.detail, attempt.status, attempt.peer_ip, attempt.total_ms, attempt.superseded
FROM unnest(%(deliveries)s::uuid[], %(since)s::uuid[], %(until)s::uuid[]) AS delivery (id, since, until)
CROSS JOIN LATERAL (
    SELECT id, delivery_id, number, started_at, outcome, failure_code, detail, status, peer_ip, total_ms, superseded
    FROM dispatcher_attempt
    WHERE delivery_id = delivery.id AND id >= delivery.since AND id < delivery.until
    ORDER BY number DESC, id DESC
    LIMIT %(limit)s
) AS attempt
ORDER BY attempt.delivery_id, attempt.number, attempt.id
