-- The payer failed to authenticate: the intent waits for another payment method.
UPDATE core_payment_intent
   SET status = %(target)s, payment_method = NULL, last_payment_error = %(last_payment_error)s::jsonb
 WHERE id = %(id)s AND account_id = %(account_id)s AND status = ANY (%(sources)s)
RETURNING *
