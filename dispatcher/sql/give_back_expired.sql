-- Between the locks and the leases of a claim, only where a circuit of the locked lanes is not closed: automatic
-- deliveries whose lease ran out wait again, since a re-claim of all of them would be more than one probe. Their
-- attempts, whose outcome nobody knows, are written; one that nobody had begun does not count. (`resend_no + 0`: as in lease_deliveries.)
WITH picked AS MATERIALIZED (
    SELECT expired.*
    FROM unnest(%(endpoint_ids)s::uuid[]) AS lane (endpoint_id)
    CROSS JOIN LATERAL (
        SELECT id, endpoint_id, event_id, attempt_id, claim_no, attempts, started_at
        FROM dispatcher_delivery
        WHERE endpoint_id = lane.endpoint_id
          AND lease_owner IS NOT NULL
          AND resend_no + 0 = 0
          AND due_at <= statement_timestamp()
        ORDER BY due_at
        LIMIT %(share)s
        FOR NO KEY UPDATE SKIP LOCKED
    ) AS expired
),
given_back AS (
    UPDATE dispatcher_delivery
    SET lease_owner = NULL, started_at = NULL, attempt_id = NULL,
        attempts = attempts - (started_at IS NULL)::int -- nobody had begun it
    WHERE id = ANY (ARRAY(SELECT id FROM picked))
),
vanished AS (
    INSERT INTO dispatcher_attempt
        (id, delivery_id, endpoint_id, event_id, number, claim_no, started_at, outcome, superseded)
    SELECT attempt_id, id, endpoint_id, event_id, attempts, claim_no, started_at, 'unknown', true
    FROM picked
    WHERE started_at IS NOT NULL
    ON CONFLICT (id) DO NOTHING
)
SELECT endpoint_id, count(*)::int FROM picked GROUP BY endpoint_id
