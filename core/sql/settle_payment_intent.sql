-- Apply the bank's answer to the confirmation it belongs to: once, whoever else has the answer too.
-- A refused intent lets go of its payment method, as it waits for another one; an approved card whose money is to be
-- taken later (holds) waits for the capture.
UPDATE core_payment_intent
   SET status = CASE WHEN %(holds)s AND capture_method = 'manual' THEN %(held)s ELSE %(target)s END,
       settle_at = NULL,
       amount_received = CASE WHEN %(approved)s AND NOT (%(holds)s AND capture_method = 'manual') THEN amount
                              ELSE 0 END,
       amount_capturable = CASE WHEN %(holds)s AND capture_method = 'manual' THEN amount ELSE 0 END,
       payment_method = CASE WHEN %(approved)s THEN payment_method END,
       latest_charge_id = coalesce(%(charge_id)s::uuid, latest_charge_id),
       last_payment_error = %(last_payment_error)s::jsonb
 WHERE id = %(id)s AND bank_reference = %(reference)s AND status = ANY (%(sources)s)
RETURNING *
