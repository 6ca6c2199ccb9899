INSERT INTO core_payment_intent
    (id, account_id, amount, currency, status, amount_received, client_secret, metadata, payment_method_types)
SELECT bench_id(%(began)s + (n * %(step)s)::bigint, 'payment' || n),
       (%(accounts)s::uuid[])[1 + n %% array_length(%(accounts)s::uuid[], 1)], 500 + n %% 9000,
       (ARRAY['usd', 'eur', 'jpy'])[1 + n %% 3],
       CASE WHEN n %% 10 = 0 THEN 'requires_payment_method' ELSE 'succeeded' END,
       CASE WHEN n %% 10 = 0 THEN 0 ELSE 500 + n %% 9000 END, 'pi_bench_secret_' || n, '{}', '["card"]'
FROM generate_series(0, %(count)s - 1) AS n
