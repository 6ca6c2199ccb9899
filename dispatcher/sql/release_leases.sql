-- Give back leases whose request was never sent: due at once, the attempt not counted, no attempt row. A lease
-- that a worker has begun since is the worker's.
WITH released AS MATERIALIZED (
    SELECT * FROM unnest(%(delivery_id)s::uuid[], %(attempt_id)s::uuid[], %(begun)s::bool[])
        AS released (delivery_id, attempt_id, begun)
),
locked AS MATERIALIZED (
    SELECT id, attempt_id, started_at IS NOT NULL AS begun
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
    JOIN locked
      ON locked.id = released.delivery_id
     AND locked.attempt_id = released.attempt_id
     AND locked.begun = released.begun
))
RETURNING id, due_at
