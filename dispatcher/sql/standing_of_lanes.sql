-- How lanes stand now, all of them or an owner's: one row. Every count stops at a bound and is read from an index, lane
-- by lane, so a million waiting deliveries cost no more than the bound and a few probes a lane.
WITH lane AS MATERIALIZED (
    SELECT endpoint.id AS endpoint_id, endpoint.status, endpoint.deleted_at IS NOT NULL AS deleted,
           lane.failure_streak, lane.circuit_openings, lane.circuit_until > statement_timestamp() AS pausing,
           lane.ready_at <= statement_timestamp() AS ready, lane.in_flight,
           greatest(lane.hold_until, lane.circuit_until) > statement_timestamp() AS held
    FROM dispatcher_lane AS lane
    JOIN dispatcher_endpoint AS endpoint ON endpoint.id = lane.endpoint_id
    WHERE %(owner)s::text IS NULL OR endpoint.owner = %(owner)s
),
oldest AS MATERIALIZED (
    SELECT min(head.due_at) FILTER (WHERE lane.ready AND (head.by_hand OR NOT lane.held)) AS permitted,
           min(head.due_at) AS any_at_all
    FROM lane
    CROSS JOIN LATERAL (
        SELECT * FROM (
            SELECT due_at, false AS by_hand
            FROM dispatcher_delivery
            WHERE endpoint_id = lane.endpoint_id AND lease_owner IS NULL AND resend_no = 0
              AND due_at <= statement_timestamp()
            ORDER BY due_at, id
            LIMIT 1
        ) AS automatic
        UNION ALL
        SELECT * FROM (
            SELECT due_at, true AS by_hand
            FROM dispatcher_delivery
            WHERE endpoint_id = lane.endpoint_id AND lease_owner IS NULL AND resend_no > 0
              AND due_at <= statement_timestamp()
            ORDER BY due_at
            LIMIT 1
        ) AS by_hand
    ) AS head
)
SELECT
    (SELECT count(*) FROM (
        SELECT FROM lane CROSS JOIN LATERAL (
            SELECT FROM dispatcher_delivery
            WHERE endpoint_id = lane.endpoint_id AND lease_owner IS NULL AND resend_no = 0
              AND due_at <= statement_timestamp()
            UNION ALL
            SELECT FROM dispatcher_delivery
            WHERE endpoint_id = lane.endpoint_id AND lease_owner IS NULL AND resend_no > 0
              AND due_at <= statement_timestamp()
            OFFSET 0
        ) AS delivery
        LIMIT %(most)s
    ) AS due),
    (SELECT count(*) FROM (
        SELECT FROM lane CROSS JOIN LATERAL (
            SELECT FROM dispatcher_delivery
            WHERE endpoint_id = lane.endpoint_id AND lease_owner IS NULL AND resend_no = 0
              AND due_at > statement_timestamp()
            UNION ALL
            SELECT FROM dispatcher_delivery
            WHERE endpoint_id = lane.endpoint_id AND lease_owner IS NULL AND resend_no > 0
              AND due_at > statement_timestamp()
            OFFSET 0
        ) AS delivery
        LIMIT %(most)s
    ) AS scheduled),
    coalesce(sum(in_flight), 0)::int,
    (SELECT statement_timestamp() - permitted FROM oldest),
    (SELECT statement_timestamp() - any_at_all FROM oldest),
    count(*) FILTER (WHERE circuit_openings > 0 AND pausing AND status = 'enabled'),
    count(*) FILTER (WHERE circuit_openings > 0 AND NOT pausing AND status = 'enabled'),
    count(*) FILTER (WHERE NOT deleted),
    count(*) FILTER (WHERE status <> 'enabled' AND NOT deleted),
    count(*) FILTER (
        WHERE status = 'enabled' AND NOT deleted AND (failure_streak >= %(streak)s OR circuit_openings > 0)
    ),
    statement_timestamp()
FROM lane
