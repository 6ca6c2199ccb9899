-- Give a lane other limits. A rate that is new begins with a full bucket.
UPDATE dispatcher_lane
SET max_in_flight = %(max_in_flight)s,
    quantum = %(quantum)s,
    tokens = CASE WHEN rate_limit IS NOT DISTINCT FROM %(rate_limit)s THEN tokens ELSE coalesce(%(burst)s, 0) END,
    tokens_at = CASE
        WHEN rate_limit IS NOT DISTINCT FROM %(rate_limit)s THEN tokens_at
        WHEN %(rate_limit)s::float8 IS NULL THEN '-infinity'
        ELSE clock_timestamp()
    END,
    rate_limit = %(rate_limit)s,
    burst = %(burst)s
WHERE endpoint_id = %(endpoint_id)s
