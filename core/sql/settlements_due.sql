-- How settlement stands: for how long the oldest payment and the oldest refund have been due that no process has
-- under lease, in seconds, and how many are due of each, counted up to a bound.
SELECT coalesce(extract(epoch FROM now() - (
           SELECT settle_at FROM core_payment_intent
            WHERE status = 'processing' AND settle_at <= now()
            ORDER BY settle_at
            LIMIT 1
       )), 0)::float8,
       coalesce(extract(epoch FROM now() - (
           SELECT settle_at FROM core_refund WHERE settle_at <= now() ORDER BY settle_at LIMIT 1
       )), 0)::float8,
       (SELECT count(*) FROM (
           SELECT FROM core_payment_intent WHERE status = 'processing' AND settle_at <= now() LIMIT %(most)s
       ) AS payment),
       (SELECT count(*) FROM (
           SELECT FROM core_refund WHERE settle_at <= now() LIMIT %(most)s
       ) AS refund)
