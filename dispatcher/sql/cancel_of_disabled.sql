-- Second statement of a claim, only where locked lanes lead to disabled or deleted endpoints: end what
-- fell due there. A deleted endpoint's deliveries end whether due or not; resends by hand survive a
-- disable. A lease that ran out leaves an attempt whose outcome nobody knows.
-- Whether it is disabled is looked at again: what the first statement says of an endpoint is older than the lane's
-- lock, and it may have been enabled between the two.
WITH lane AS MATERIALIZED (
    SELECT lane.endpoint_id, endpoint.deleted
    FROM unnest(%(endpoint_ids)s::uuid[]) AS lane (endpoint_id)
    CROSS JOIN LATERAL (
        SELECT deleted_at IS NOT NULL AS deleted
        FROM dispatcher_endpoint
        WHERE id = lane.endpoint_id AND (status <> 'enabled' OR deleted_at IS NOT NULL)
        OFFSET 0
    ) AS endpoint
),
picked AS MATERIALIZED (
    SELECT candidate.id, candidate.lease_owner IS NOT NULL AS was_leased, candidate.attempt_id, candidate.claim_no, candidate.attempts,
           candidate.started_at, lane.deleted
    FROM lane
    CROSS JOIN LATERAL (
        SELECT * FROM (
            SELECT * FROM dispatcher_delivery
            WHERE endpoint_id = lane.endpoint_id
              AND lease_owner IS NOT NULL
              AND due_at <= statement_timestamp()
              AND (resend_no = 0 OR lane.deleted)
            ORDER BY due_at
            LIMIT %(share)s
            FOR UPDATE SKIP LOCKED
        ) AS expired
        UNION ALL
        SELECT * FROM (
            SELECT * FROM dispatcher_delivery
            WHERE endpoint_id = lane.endpoint_id
              AND lease_owner IS NULL
              AND resend_no = 0
              AND due_at <= CASE WHEN lane.deleted THEN 'infinity' ELSE statement_timestamp() END
            ORDER BY due_at, id
            LIMIT %(share)s
            FOR UPDATE SKIP LOCKED
        ) AS waiting
        UNION ALL
        SELECT * FROM (
            SELECT * FROM dispatcher_delivery
            WHERE endpoint_id = lane.endpoint_id
              AND lease_owner IS NULL
              AND resend_no > 0
              AND lane.deleted
            ORDER BY due_at
            LIMIT %(share)s
            FOR UPDATE SKIP LOCKED
        ) AS by_hand
    ) AS candidate
),
removed AS (
    DELETE FROM dispatcher_delivery
    WHERE id = ANY (ARRAY(SELECT id FROM picked))
    RETURNING id, owner, endpoint_id, event_id, attempts, resend_no, order_key
),
finished AS (
    INSERT INTO dispatcher_finished_delivery
        (id, owner, endpoint_id, event_id, state, reason, attempts, resend_no, finished_at)
    SELECT removed.id, removed.owner, removed.endpoint_id, removed.event_id, 'cancelled',
           CASE WHEN picked.deleted THEN 'endpoint_deleted' ELSE 'endpoint_disabled' END,
           removed.attempts - (picked.was_leased AND picked.started_at IS NULL)::int,
           removed.resend_no, clock_timestamp()
    FROM removed
    JOIN picked USING (id)
),
vanished AS (
    INSERT INTO dispatcher_attempt
        (id, delivery_id, endpoint_id, event_id, number, claim_no, started_at, outcome, superseded)
    SELECT picked.attempt_id, removed.id, removed.endpoint_id, removed.event_id, picked.attempts,
           picked.claim_no, picked.started_at, 'unknown', true
    FROM removed
    JOIN picked USING (id)
    WHERE picked.was_leased AND picked.started_at IS NOT NULL
    ON CONFLICT (id) DO NOTHING
)
SELECT removed.endpoint_id, count(*) FILTER (WHERE picked.was_leased)::int, count(*)::int,
       array_agg(DISTINCT removed.order_key) FILTER (WHERE removed.order_key IS NOT NULL AND NOT picked.deleted)
FROM removed
JOIN picked USING (id)
GROUP BY removed.endpoint_id
