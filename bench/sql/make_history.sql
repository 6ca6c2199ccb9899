-- Deliveries that ended long ago, with their events and attempts, numbered from `first`. Ids are cheap to make
-- and sort by number, as real ones sort by time.
WITH numbered AS MATERIALIZED (
    SELECT (lpad(to_hex(n), 12, '0') || '7000a000000000000000')::uuid AS id, n
    FROM generate_series(%(first)s::int, %(last)s::int) AS n
),
event AS (
    INSERT INTO outbox_event (id, owner, type, object_id, data)
    SELECT id, 'acct_bench', 'payment_intent.succeeded', 'pi_' || n, '{}' FROM numbered
),
attempt AS (
    INSERT INTO dispatcher_attempt
        (id, delivery_id, endpoint_id, event_id, number, claim_no, started_at, outcome, status)
    SELECT id, id, (%(endpoint_ids)s::uuid[])[1 + n %% array_length(%(endpoint_ids)s::uuid[], 1)], id, 1, 1, now(),
           'succeeded', 200
    FROM numbered
)
INSERT INTO dispatcher_finished_delivery
    (id, owner, endpoint_id, event_id, state, attempts, resend_no, finished_at)
SELECT id, 'acct_bench', (%(endpoint_ids)s::uuid[])[1 + n %% array_length(%(endpoint_ids)s::uuid[], 1)], id,
       CASE WHEN n %% 47 = 0 THEN 'dead_lettered' ELSE 'succeeded' END, 1, 0, now()
FROM numbered
