-- Apply the bank's answer to the confirmation it belongs to: once, whoever else has the answer too.
-- A refused intent lets go of its payment method, as it waits for another one.
UPDATE core_payment_intent
   SET status = %(target)s,
       settle_at = NULL,
       amount_received = CASE WHEN %(approved)s THEN amount ELSE 0 END,
       payment_method = CASE WHEN %(approved)s THEN payment_method END,
       last_payment_error = %(last_payment_error)s::jsonb
 WHERE id = %(id)s AND bank_reference = %(reference)s AND status = ANY (%(sources)s)
RETURNING *
