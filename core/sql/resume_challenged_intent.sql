-- The payer authenticated: the bank may be asked, under the operation's id as the reference.
UPDATE core_payment_intent
   SET status = %(target)s,
       bank_reference = %(reference)s,
       settle_at = now() + %(lease)s,
       traceparent = %(traceparent)s
 WHERE id = %(id)s AND account_id = %(account_id)s AND status = ANY (%(sources)s)
RETURNING *
