-- Begin anew with an endpoint, whose lane is locked: close its circuit and forget how long it failed.
UPDATE dispatcher_lane
SET failure_streak = 0, circuit_openings = 0, circuit_until = '-infinity', failing_since = NULL, warned_percent = 0
WHERE endpoint_id = %(endpoint_id)s
