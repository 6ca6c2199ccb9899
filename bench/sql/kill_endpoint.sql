-- Make an endpoint look dead to a claim: as many leases as its lane may have, none of them over, and its turn now.
WITH leased AS (
    UPDATE dispatcher_delivery
    SET lease_owner = gen_random_uuid(), claim_no = 1, attempts = 1, started_at = now(), attempt_id = outbox_uuid7(),
        due_at = now() + interval '1 day'
    WHERE id IN (
        SELECT id FROM dispatcher_delivery WHERE endpoint_id = %(endpoint_id)s ORDER BY due_at, id
        LIMIT (SELECT max_in_flight FROM dispatcher_lane WHERE endpoint_id = %(endpoint_id)s)
    )
    RETURNING id
)
UPDATE dispatcher_lane
SET in_flight = (SELECT count(*) FROM leased), ready_at = now() - interval '1 hour'
WHERE endpoint_id = %(endpoint_id)s
