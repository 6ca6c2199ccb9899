-- Every tenth event is a payment that failed.
INSERT INTO outbox_event (id, owner, type, object_id, data)
SELECT bench_id(ms, 'event' || n), owner,
       CASE WHEN n %% 10 = 0 THEN 'payment_intent.payment_failed' ELSE 'payment_intent.succeeded' END,
       'pi_bench_' || n,
       '{"id":"pi_bench_' || n || '","object":"payment_intent","amount":2000,"amount_received":2000,"currency":"usd","customer":null,'
           || '"last_payment_error":null,"metadata":{},"status":"succeeded"}'
FROM (
    SELECT n, %(began)s + (n * %(step)s)::bigint AS ms FROM generate_series(%(first)s, %(last)s) AS n
) AS event
JOIN bench_owner ON owner_no = n %% (SELECT count(*) FROM bench_owner)
