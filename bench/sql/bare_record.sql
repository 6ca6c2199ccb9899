-- The bare loop's record: fenced, the live rows go, the finished ones and the attempts come, the lanes get
-- their places back (locked in order of id, so that two processes cannot deadlock).
WITH result AS MATERIALIZED (
    SELECT * FROM unnest(
        $1::uuid[], $2::int[], $3::uuid[], $4::uuid[], $5::uuid[], $6::int[], $7::float8[], $8::int[]
    ) AS result (id, claim_no, endpoint_id, event_id, attempt_id, number, started_at, status)
),
removed AS (
    DELETE FROM dispatcher_delivery AS live
    USING result
    WHERE live.id = result.id AND live.claim_no = result.claim_no AND live.attempt_id = result.attempt_id
    RETURNING live.id, live.owner, live.endpoint_id, live.event_id, live.attempts, live.resend_no, live.attempt_id
),
finished AS (
    INSERT INTO dispatcher_finished_delivery
        (id, owner, endpoint_id, event_id, state, attempts, resend_no, finished_at)
    SELECT id, owner, endpoint_id, event_id, 'succeeded', attempts, resend_no, clock_timestamp() FROM removed
),
attempt AS (
    INSERT INTO dispatcher_attempt
        (id, delivery_id, endpoint_id, event_id, number, claim_no, started_at, outcome, status)
    SELECT attempt_id, id, endpoint_id, event_id, number, claim_no, to_timestamp(started_at), 'succeeded', status
    FROM result
),
freed AS MATERIALIZED (
    SELECT endpoint_id, count(*) AS places FROM removed GROUP BY endpoint_id
),
locked AS MATERIALIZED (
    SELECT endpoint_id FROM dispatcher_lane
    WHERE endpoint_id = ANY (ARRAY(SELECT endpoint_id FROM freed))
    ORDER BY endpoint_id
    FOR NO KEY UPDATE
)
UPDATE dispatcher_lane AS lane
SET in_flight = lane.in_flight - freed.places,
    ready_at = CASE
        WHEN lane.in_flight >= lane.max_in_flight AND lane.in_flight - freed.places < lane.max_in_flight
        THEN least(lane.ready_at, statement_timestamp())
        ELSE lane.ready_at
    END
FROM freed
JOIN locked USING (endpoint_id)
WHERE lane.endpoint_id = freed.endpoint_id
