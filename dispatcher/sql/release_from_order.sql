-- Let what waits behind heads go, in no order: its endpoint is not ordered any more. Requires the lane's lock.
UPDATE dispatcher_delivery
SET due_at = clock_timestamp(), order_key = NULL, sequence = NULL
WHERE id = ANY (ARRAY(
    SELECT id
    FROM dispatcher_delivery
    WHERE endpoint_id = %(endpoint_id)s AND lease_owner IS NULL AND resend_no = 0 AND due_at = 'infinity'
    ORDER BY due_at, id
    LIMIT %(limit)s
))
