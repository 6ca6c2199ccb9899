-- Move an intent to processing, under the operation's id as the bank's reference. An operation that moved it
-- before moves it never again: its retry resumes from what the first try left behind.
-- settle_after maps payment methods to the interval until their settlement is due; none for those never answered.
UPDATE core_payment_intent
   SET status = %(target)s,
       payment_method = coalesce(%(payment_method)s, payment_method, %(default_payment_method)s),
       bank_reference = %(reference)s,
       settle_at = now() + (
           %(settle_after)s::jsonb ->> coalesce(%(payment_method)s, payment_method, %(default_payment_method)s)
       )::interval,
       last_payment_error = NULL
 WHERE id = %(id)s
   AND account_id = %(account_id)s
   AND status = ANY (%(sources)s)
   AND bank_reference IS DISTINCT FROM %(reference)s
RETURNING *
