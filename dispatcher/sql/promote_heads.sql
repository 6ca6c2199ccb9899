-- After the pass over lanes: make the oldest live delivery of each order key due, where it still waits, and
-- wake its lane. Rests on the locks of those lanes, and on a snapshot younger than they are: whoever ends a
-- head and whoever puts a delivery behind it touch the same lane, so the later of the two sees the other.
WITH pair AS MATERIALIZED (
    SELECT * FROM unnest(%(endpoint_ids)s::uuid[], %(order_keys)s::text[]) AS pair (endpoint_id, order_key)
),
head AS MATERIALIZED (
    SELECT live.id
    FROM pair
    CROSS JOIN LATERAL (
        SELECT id, due_at
        FROM dispatcher_delivery
        WHERE endpoint_id::text = pair.endpoint_id::text AND order_key = pair.order_key -- as the index has it
        ORDER BY sequence
        LIMIT 1
    ) AS live
    WHERE live.due_at = 'infinity'
      AND NOT EXISTS (
          SELECT FROM dispatcher_stopped_key
          WHERE endpoint_id = pair.endpoint_id AND order_key = pair.order_key
          OFFSET 0
      )
),
promoted AS (
    UPDATE dispatcher_delivery
    SET due_at = clock_timestamp()
    WHERE id = ANY (ARRAY(SELECT id FROM head))
    RETURNING endpoint_id
)
UPDATE dispatcher_lane
SET ready_at = least(ready_at, greatest(clock_timestamp(), hold_until, circuit_until))
WHERE endpoint_id = ANY (ARRAY(SELECT DISTINCT endpoint_id FROM promoted))
