-- A worker begins what hints name, and takes the leases over: rows that still carry the hint's claim, that
-- nobody has begun and whose lease is good. A hint that came late or twice names no such row. Who holds a lock
-- on such a row is beginning, releasing or stopping it, so there is nothing to wait for. What fell behind a
-- disabled or deleted endpoint in the meantime is left to the claim after its lease, which cancels it.
WITH hint AS MATERIALIZED (
    SELECT DISTINCT delivery_id, claim_no
    FROM unnest(%(delivery_ids)s::uuid[], %(claim_nos)s::int[]) AS hint (delivery_id, claim_no)
),
standing AS MATERIALIZED (
    SELECT delivery.id, endpoint.url, endpoint.api_version, endpoint.secret, endpoint.previous_secret,
           endpoint.send_traceparent
    FROM hint
    CROSS JOIN LATERAL (
        SELECT id, endpoint_id, resend_no
        FROM dispatcher_delivery
        WHERE id = hint.delivery_id
          AND claim_no = hint.claim_no
          AND attempt_id IS NOT NULL -- as lease_owner is, and no partial index speaks of it: the key is the way
          AND started_at IS NULL
          AND due_at > statement_timestamp()
        FOR NO KEY UPDATE SKIP LOCKED
    ) AS delivery
    CROSS JOIN LATERAL (
        SELECT url, api_version, secret,
               CASE WHEN previous_secret_expires_at > statement_timestamp() THEN previous_secret END
                   AS previous_secret,
               send_traceparent,
               status <> 'enabled' AS disabled,
               deleted_at IS NOT NULL AS deleted
        FROM dispatcher_endpoint
        WHERE id = delivery.endpoint_id
        OFFSET 0
    ) AS endpoint
    WHERE NOT endpoint.deleted AND (delivery.resend_no > 0 OR NOT endpoint.disabled)
),
begun AS (
    UPDATE dispatcher_delivery
    SET lease_owner = %(lease_owner)s,
        started_at = statement_timestamp(),
        due_at = statement_timestamp() + %(lease)s
    WHERE id = ANY (ARRAY(SELECT id FROM standing))
    RETURNING id, endpoint_id, event_id, claim_no, attempts, attempt_id, resend_no
)
SELECT begun.id, begun.endpoint_id, begun.event_id, begun.claim_no, begun.attempts, begun.attempt_id,
       false, begun.resend_no > 0,
       event.owner, event.type, event.object_id, event.data, event.request_id, event.idempotency_key, event.previous,
       event.traceparent,
       standing.url, standing.api_version, standing.secret, standing.previous_secret,
       standing.send_traceparent,
       extract(epoch FROM statement_timestamp())::float8
FROM begun
JOIN standing USING (id)
LEFT JOIN LATERAL (
    SELECT * FROM outbox_event WHERE id = begun.event_id OFFSET 0
) AS event ON true
