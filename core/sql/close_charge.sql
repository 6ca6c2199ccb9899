-- Write how a pending charge ended, or what was captured of one that was held.
UPDATE core_charge
   SET status = %(status)s,
       captured = %(captured)s,
       amount_captured = %(amount_captured)s,
       failure_code = %(failure_code)s,
       failure_message = %(failure_message)s,
       decline_code = %(decline_code)s,
       balance_transaction_id = %(balance_transaction_id)s::uuid
 WHERE id = %(id)s::uuid
RETURNING *
