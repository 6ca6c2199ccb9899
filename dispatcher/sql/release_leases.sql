-- Give back leases whose request was never sent: due at once, the attempt not counted, no attempt row.
WITH released AS MATERIALIZED (
    SELECT * FROM unnest(%(delivery_id)s::uuid[], %(claim_no)s::int[]) AS released (delivery_id, claim_no)
),
locked AS MATERIALIZED (
    SELECT id, claim_no
    FROM dispatcher_delivery
    WHERE id = ANY (%(delivery_id)s::uuid[])
    ORDER BY id
    FOR NO KEY UPDATE
)
UPDATE dispatcher_delivery
SET lease_owner = NULL, started_at = NULL, attempt_id = NULL, attempts = attempts - 1,
    due_at = clock_timestamp()
WHERE id = ANY (ARRAY(
    SELECT locked.id
    FROM released
    JOIN locked ON locked.id = released.delivery_id AND locked.claim_no = released.claim_no
))
RETURNING id, due_at
