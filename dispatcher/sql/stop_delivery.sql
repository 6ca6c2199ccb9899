-- End a live delivery on request: one that waits behind the head of its order key only under its lane's lock,
-- any other before that lock. A send in flight is not called back: its attempt is logged as unknown,
-- and its late result, if one comes, completes that row as superseded.
WITH removed AS (
    DELETE FROM dispatcher_delivery
    WHERE id = %(delivery_id)s AND owner = %(owner)s AND (due_at = 'infinity') = %(behind_head)s
    RETURNING *
),
finished AS (
    INSERT INTO dispatcher_finished_delivery
        (id, owner, endpoint_id, event_id, state, reason, attempts, resend_no, finished_at)
    SELECT id, owner, endpoint_id, event_id, 'cancelled', 'stopped',
           attempts - (lease_owner IS NOT NULL AND started_at IS NULL)::int, resend_no, clock_timestamp()
    FROM removed
),
vanished AS (
    INSERT INTO dispatcher_attempt
        (id, delivery_id, endpoint_id, event_id, number, claim_no, started_at, outcome, superseded)
    SELECT attempt_id, id, endpoint_id, event_id, attempts, claim_no, started_at, 'unknown', true
    FROM removed
    WHERE started_at IS NOT NULL
    ON CONFLICT (id) DO NOTHING
)
SELECT (lease_owner IS NOT NULL)::int, order_key FROM removed
