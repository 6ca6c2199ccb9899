-- Cancel an intent from any status that allows it; what a card holds for it is released.
UPDATE core_payment_intent
   SET status = %(target)s, canceled_at = now(), cancellation_reason = %(reason)s, amount_capturable = 0
 WHERE id = %(id)s AND account_id = %(account_id)s AND status = ANY (%(sources)s)
RETURNING *
