-- Take what a card holds for an intent, or a part of it; the rest is released.
UPDATE core_payment_intent
   SET status = %(target)s,
       amount_received = coalesce(%(amount)s::integer, amount_capturable),
       amount_capturable = 0
 WHERE id = %(id)s
   AND account_id = %(account_id)s
   AND status = ANY (%(sources)s)
   AND coalesce(%(amount)s::integer, amount_capturable) <= amount_capturable
RETURNING *
