-- An endpoint and its lane, unless the owner has as many as one may have (then no row comes back).
WITH endpoint AS (
    INSERT INTO dispatcher_endpoint
        (id, owner, url, description, metadata, enabled_events, api_version, status, secret,
         ordered, on_dead_letter, send_traceparent)
    SELECT %(id)s, %(owner)s, %(url)s, %(description)s, %(metadata)s::jsonb, %(enabled_events)s::text[],
           %(api_version)s, 'enabled', %(secret)s, %(ordered)s, %(on_dead_letter)s,
           %(send_traceparent)s
    WHERE (
        SELECT count(*) FROM dispatcher_endpoint WHERE owner = %(owner)s AND deleted_at IS NULL
    ) < %(limit)s
    RETURNING id, status_since
),
lane AS (
    INSERT INTO dispatcher_lane (endpoint_id, max_in_flight, quantum, rate_limit, burst, tokens, tokens_at)
    SELECT id, %(max_in_flight)s, %(quantum)s, %(rate_limit)s, %(burst)s, coalesce(%(burst)s, 0),
           CASE WHEN %(burst)s::int IS NULL THEN '-infinity' ELSE clock_timestamp() END
    FROM endpoint
)
SELECT status_since FROM endpoint
