-- How many deliveries succeeded, and the seconds from the first attempt to the last end.
SELECT count(*), extract(epoch FROM max(finished_at) - (SELECT min(started_at) FROM dispatcher_attempt))::float8
FROM dispatcher_finished_delivery
WHERE state = 'succeeded'
