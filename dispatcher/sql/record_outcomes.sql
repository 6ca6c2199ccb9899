-- Write every attempt of a batch, and end or reschedule the deliveries whose claim still stands. A stale
-- claim changes no state: its attempt is superseded. Stale is a claim whose number is not the row's any more,
-- or whose attempt is not the one under way: a row that was rescheduled keeps its number until the next claim.
WITH result AS MATERIALIZED (
    SELECT delivery_id, claim_no, endpoint_id, event_id, attempt_id, number, to_timestamp(started_at) AS started_at,
           CASE WHEN succeeded THEN 'succeeded' ELSE 'failed' END AS outcome, failure_code, detail, status, peer_ip,
           dns_ms, connect_ms, tls_ms, first_byte_ms, total_ms, decode(response, 'hex') AS response, truncated,
           ending, reason, retry_after * interval '1 second' AS retry_after
    FROM unnest(
        %(delivery_id)s::uuid[], %(claim_no)s::int[], %(endpoint_id)s::uuid[], %(event_id)s::uuid[],
        %(attempt_id)s::uuid[], %(number)s::int[], %(started_at)s::float8[], %(succeeded)s::bool[],
        %(failure_code)s::text[], %(detail)s::text[], %(status)s::int[], %(peer_ip)s::text[],
        %(dns_ms)s::float4[], %(connect_ms)s::float4[], %(tls_ms)s::float4[], %(first_byte_ms)s::float4[],
        %(total_ms)s::float4[], %(response)s::text[], %(truncated)s::bool[],
        %(ending)s::text[], %(reason)s::text[], %(retry_after)s::float8[]
    ) AS result (
        delivery_id, claim_no, endpoint_id, event_id, attempt_id, number, started_at, succeeded,
        failure_code, detail, status, peer_ip, dns_ms, connect_ms, tls_ms, first_byte_ms, total_ms,
        response, truncated, ending, reason, retry_after
    )
),
locked AS MATERIALIZED (
    SELECT id, owner, claim_no, attempt_id, attempts, resend_no, order_key
    FROM dispatcher_delivery
    WHERE id = ANY (%(delivery_id)s::uuid[])
    ORDER BY id
    FOR UPDATE
),
fenced AS MATERIALIZED (
    SELECT result.attempt_id, result.delivery_id, result.endpoint_id, result.event_id, result.ending,
           result.reason, result.retry_after, locked.owner, locked.attempts, locked.resend_no, locked.order_key
    FROM result
    JOIN locked
      ON locked.id = result.delivery_id
     AND locked.claim_no = result.claim_no
     AND locked.attempt_id = result.attempt_id
),
removed AS (
    DELETE FROM dispatcher_delivery
    WHERE id = ANY (ARRAY(SELECT delivery_id FROM fenced WHERE ending IS NOT NULL))
),
retries AS MATERIALIZED (
    -- As two arrays: joining the table again could read each of its rows once for every result.
    SELECT array_agg(delivery_id) AS ids, array_agg(retry_after) AS waits FROM fenced WHERE ending IS NULL
),
rescheduled AS (
    UPDATE dispatcher_delivery
    SET lease_owner = NULL, started_at = NULL, attempt_id = NULL,
        due_at = clock_timestamp()
                 + (SELECT waits[array_position(ids, dispatcher_delivery.id)] FROM retries)
    WHERE id = ANY ((SELECT ids FROM retries)::uuid[])
    RETURNING id, due_at
),
finished AS (
    INSERT INTO dispatcher_finished_delivery
        (id, owner, endpoint_id, event_id, state, reason, attempts, resend_no, finished_at)
    SELECT delivery_id, owner, endpoint_id, event_id, ending, reason, attempts, resend_no, clock_timestamp()
    FROM fenced
    WHERE ending IS NOT NULL
),
stopped AS (
    -- Those behind a dead-lettered head wait until somebody resumes their key, where the endpoint wants that.
    INSERT INTO dispatcher_stopped_key (endpoint_id, order_key, delivery_id)
    SELECT dead.endpoint_id, dead.order_key, dead.delivery_id
    FROM (SELECT * FROM fenced WHERE ending = 'dead_lettered' AND order_key IS NOT NULL) AS dead
    CROSS JOIN LATERAL (
        SELECT ordered AND on_dead_letter = 'stop' AS stops
        FROM dispatcher_endpoint
        WHERE id = dead.endpoint_id
        OFFSET 0
    ) AS endpoint
    WHERE endpoint.stops
    ON CONFLICT (endpoint_id, order_key) DO NOTHING
),
attempt AS (
    INSERT INTO dispatcher_attempt
        (id, delivery_id, endpoint_id, event_id, number, claim_no, started_at, outcome, failure_code, detail,
         status, peer_ip, dns_ms, connect_ms, tls_ms, first_byte_ms, total_ms, response, truncated, superseded)
    SELECT result.attempt_id, result.delivery_id, result.endpoint_id, result.event_id, result.number,
           result.claim_no, result.started_at, result.outcome, result.failure_code, result.detail,
           result.status, result.peer_ip, result.dns_ms, result.connect_ms, result.tls_ms,
           result.first_byte_ms, result.total_ms, result.response, result.truncated,
           fenced.attempt_id IS NULL
    FROM result
    LEFT JOIN fenced USING (attempt_id)
    ON CONFLICT (id) DO UPDATE
    SET started_at = excluded.started_at, outcome = excluded.outcome, failure_code = excluded.failure_code,
        detail = excluded.detail, status = excluded.status, peer_ip = excluded.peer_ip,
        dns_ms = excluded.dns_ms, connect_ms = excluded.connect_ms, tls_ms = excluded.tls_ms,
        first_byte_ms = excluded.first_byte_ms, total_ms = excluded.total_ms,
        response = excluded.response, truncated = excluded.truncated, superseded = excluded.superseded
    -- A result recorded twice (its commit's answer was lost with the connection) keeps its first row.
    WHERE dispatcher_attempt.outcome = 'unknown'
)
-- What is not told ended, stood, and has nothing behind it.
SELECT result.attempt_id, fenced.attempt_id IS NULL, rescheduled.due_at, fenced.order_key
FROM result
LEFT JOIN fenced USING (attempt_id)
LEFT JOIN rescheduled ON rescheduled.id = fenced.delivery_id
WHERE fenced.attempt_id IS NULL OR fenced.ending IS NULL OR fenced.order_key IS NOT NULL
