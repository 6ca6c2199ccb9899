-- What stands in the database now, for metrics: one row. Every count stops at a bound and is read from an index,
-- lane by lane, so a million waiting deliveries cost no more than the bound and a few probes a lane.
WITH lane AS MATERIALIZED (
    SELECT endpoint_id, in_flight, circuit_openings, circuit_until, ready_at <= statement_timestamp() AS ready,
           greatest(hold_until, circuit_until) > statement_timestamp() AS held
    FROM dispatcher_lane
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
    (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM outbox_pending_sequence),
    (SELECT count(*) FROM (SELECT FROM outbox_pending LIMIT %(most)s) AS pending),
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
    (SELECT count(*) FROM (
        SELECT FROM dispatcher_delivery WHERE lease_owner IS NOT NULL LIMIT %(most)s
    ) AS leased),
    (SELECT coalesce(sum(in_flight), 0) FROM lane),
    (SELECT coalesce(extract(epoch FROM statement_timestamp() - permitted), 0)::float8 FROM oldest),
    (SELECT coalesce(extract(epoch FROM statement_timestamp() - any_at_all), 0)::float8 FROM oldest),
    (SELECT count(*) FROM lane WHERE circuit_openings > 0 AND circuit_until > statement_timestamp()),
    (SELECT count(*) FROM lane WHERE circuit_openings > 0 AND circuit_until <= statement_timestamp()),
    (SELECT count(*) FROM dispatcher_pause),
    ARRAY(
        SELECT strays.held
        FROM unnest(%(tables)s::text[]) WITH ORDINALITY AS parent (name, position)
        CROSS JOIN LATERAL outbox_strays(parent.name, %(least)s, %(most_strays)s) AS strays
        ORDER BY parent.position
    )
