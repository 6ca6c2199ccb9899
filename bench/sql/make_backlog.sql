-- So many due deliveries with their events, spread evenly over the endpoints given, all ready now.
WITH event AS (
    INSERT INTO outbox_event (id, owner, type, object_id, data)
    SELECT outbox_uuid7(), 'acct_bench', 'payment_intent.succeeded', 'pi_' || n, %(data)s
    FROM generate_series(1, %(count)s) AS n
    RETURNING id
),
numbered AS (
    SELECT id, row_number() OVER () AS n FROM event
),
delivery AS (
    INSERT INTO dispatcher_delivery (id, owner, endpoint_id, event_id, due_at)
    SELECT outbox_uuid7(), 'acct_bench', (%(endpoint_ids)s::uuid[])[1 + n %% array_length(%(endpoint_ids)s::uuid[], 1)],
           id, now()
    FROM numbered
)
UPDATE dispatcher_lane SET ready_at = now() WHERE endpoint_id = ANY (%(endpoint_ids)s::uuid[])
