-- Deliveries that ended long ago, numbered from `first` to `last`, with their events and attempts: a partition of each
-- table, whose indexes are built when it is attached, which takes a third of the time. Ids sort by number.
CREATE TABLE %(event)s (LIKE outbox_event INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
CREATE TABLE %(attempt)s (LIKE dispatcher_attempt INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
CREATE TABLE %(finished)s (LIKE dispatcher_finished_delivery INCLUDING DEFAULTS INCLUDING CONSTRAINTS);

CREATE TEMPORARY VIEW numbered AS
SELECT (lpad(to_hex(n), 12, '0') || '7000a000000000000000')::uuid AS id, n,
       (%(endpoint_ids)s::uuid[])[1 + n %% array_length(%(endpoint_ids)s::uuid[], 1)] AS endpoint_id
FROM generate_series(%(first)s::int, %(last)s::int) AS n;

INSERT INTO %(event)s (id, owner, type, object_id, data)
SELECT id, 'acct_bench', 'payment_intent.succeeded', 'pi_' || n, '{}' FROM numbered;

INSERT INTO %(attempt)s
    (id, delivery_id, endpoint_id, event_id, number, claim_no, started_at, outcome, status)
SELECT id, id, endpoint_id, id, 1, 1, now(), 'succeeded', 200 FROM numbered;

INSERT INTO %(finished)s
    (id, owner, endpoint_id, event_id, state, attempts, resend_no, finished_at)
SELECT id, 'acct_bench', endpoint_id, id, CASE WHEN n %% 47 = 0 THEN 'dead_lettered' ELSE 'succeeded' END, 1, 0, now()
FROM numbered;

ALTER TABLE outbox_event ATTACH PARTITION %(event)s FOR VALUES FROM (%(low)s) TO (%(high)s);
ALTER TABLE dispatcher_attempt ATTACH PARTITION %(attempt)s FOR VALUES FROM (%(low)s) TO (%(high)s);
ALTER TABLE dispatcher_finished_delivery ATTACH PARTITION %(finished)s FOR VALUES FROM (%(low)s) TO (%(high)s);
