-- Live deliveries that wait for their next attempt, of the newest events, at the endpoints that fail.
INSERT INTO dispatcher_delivery (id, owner, endpoint_id, event_id, due_at, claim_no, attempts)
SELECT bench_id(ms + 4, 'live' || endpoint_id || n), owner, endpoint_id, event_id,
       now() + (n %% 3600) * interval '1 second', 2, 2
FROM bench_past(%(first)s, %(last)s, %(began)s, %(step)s)
WHERE dead
