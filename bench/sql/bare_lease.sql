-- Second statement of the bare loop's claim: lease expired and due rows of the locked lanes.
WITH lane AS MATERIALIZED (
    SELECT endpoint_id, greatest(0, least(quantum, $2::int, max_in_flight - in_flight)) AS room
    FROM dispatcher_lane
    WHERE endpoint_id = ANY ($1::uuid[])
),
picked AS MATERIALIZED (
    SELECT candidate.*
    FROM lane
    CROSS JOIN LATERAL (
        SELECT * FROM (
            SELECT id, true AS was_leased FROM dispatcher_delivery
            WHERE endpoint_id = lane.endpoint_id AND lease_owner IS NOT NULL AND due_at <= statement_timestamp()
            ORDER BY due_at
            LIMIT $2::int
            FOR NO KEY UPDATE SKIP LOCKED
        ) AS expired
        UNION ALL
        SELECT * FROM (
            SELECT id, false FROM dispatcher_delivery
            WHERE endpoint_id = lane.endpoint_id AND lease_owner IS NULL AND resend_no = 0
              AND due_at <= statement_timestamp()
            ORDER BY due_at, id
            LIMIT lane.room
            FOR NO KEY UPDATE SKIP LOCKED
        ) AS waiting
    ) AS candidate
),
leased AS (
    UPDATE dispatcher_delivery
    SET claim_no = claim_no + 1, lease_owner = $3::uuid, started_at = statement_timestamp(),
        attempt_id = outbox_uuid7(), attempts = attempts + 1,
        due_at = statement_timestamp() + interval '30 seconds'
    WHERE id = ANY (ARRAY(SELECT id FROM picked))
    RETURNING id, endpoint_id, event_id, claim_no, attempts, attempt_id
)
SELECT leased.id::text, leased.endpoint_id::text, leased.event_id::text, leased.claim_no, leased.attempts,
       leased.attempt_id::text, picked.was_leased, event.type, event.data
FROM leased
JOIN picked USING (id)
CROSS JOIN LATERAL (SELECT type, data FROM outbox_event WHERE id = leased.event_id OFFSET 0) AS event
