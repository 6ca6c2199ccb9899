INSERT INTO dispatcher_finished_delivery
    (id, owner, endpoint_id, event_id, state, reason, attempts, resend_no, finished_at)
SELECT delivery_id, owner, endpoint_id, event_id, CASE WHEN dead THEN 'dead_lettered' ELSE 'succeeded' END,
       CASE WHEN dead THEN 'schedule_over' END, attempts, 0,
       to_timestamp((ms + 50 + (ARRAY[0, 1000, 6000, 36000, 156000])[attempts]) / 1000.0)
FROM bench_past(%(first)s, %(last)s, %(began)s, %(step)s)
