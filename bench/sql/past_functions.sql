-- Ids and the past itself, as functions of a number: event n has two deliveries, and what became of them follows from
-- their endpoints. So events, deliveries and attempts are made one table after the other and fit together.
CREATE TABLE bench_endpoint (owner_no int, place int, id uuid, owner text, PRIMARY KEY (owner_no, place));
CREATE TABLE bench_owner (owner_no int PRIMARY KEY, owner text, size int);

CREATE FUNCTION bench_id(ms bigint, salt text) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (lpad(to_hex(ms), 12, '0') || '7' || substr(md5(salt), 1, 3) || 'a' || substr(md5(salt), 4, 15))::uuid
$$;

CREATE FUNCTION bench_past(first int, last int, began bigint, step float8)
RETURNS TABLE (n int, ms bigint, event_id uuid, owner text, endpoint_id uuid, delivery_id uuid, attempts int,
               dead bool, code text)
LANGUAGE sql STABLE AS $$
    SELECT n, ms, bench_id(ms, 'event' || n), owner.owner, endpoint.id, bench_id(ms + 3, 'delivery' || n || '-' || nth),
           CASE
               WHEN place %% 20 = 3 THEN CASE WHEN n %% 5 < 3 THEN 5 ELSE 2 END
               WHEN n %% 50 = 0 THEN 2
               ELSE 1
           END,
           place %% 20 = 3 AND n %% 5 < 3,
           (ARRAY['http_5xx', 'timeout_total', 'connection_refused', 'http_4xx', 'tls_expired', 'dns_failed',
                  'http_429', 'connection_reset'])[1 + place / 20 %% 8]
    FROM (
        SELECT n, began + (n * step)::bigint AS ms FROM generate_series(first, last) AS n
    ) AS event
    JOIN bench_owner AS owner ON owner.owner_no = n %% (SELECT count(*) FROM bench_owner)
    CROSS JOIN generate_series(0, 1) AS nth
    JOIN bench_endpoint AS endpoint
      ON endpoint.owner_no = owner.owner_no
     AND endpoint.place = (n / (SELECT count(*) FROM bench_owner) * 2 + nth) %% owner.size
$$
