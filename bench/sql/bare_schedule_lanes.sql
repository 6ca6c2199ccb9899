-- Third statement of the bare loop's claim: count what was leased, and say when each lane is ready again.
WITH claimed AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::int[]) AS claimed (endpoint_id, change)
)
UPDATE dispatcher_lane AS lane
SET in_flight = lane.in_flight + claimed.change,
    ready_at = greatest(clock_timestamp(), coalesce(least(
        (SELECT due_at FROM dispatcher_delivery
         WHERE endpoint_id = lane.endpoint_id AND lease_owner IS NOT NULL
         ORDER BY due_at LIMIT 1),
        CASE WHEN lane.in_flight + claimed.change < lane.max_in_flight THEN
            (SELECT due_at FROM dispatcher_delivery
             WHERE endpoint_id = lane.endpoint_id AND lease_owner IS NULL AND resend_no = 0
             ORDER BY due_at, id LIMIT 1)
        END
    ), 'infinity'))
FROM claimed
WHERE lane.endpoint_id = claimed.endpoint_id
