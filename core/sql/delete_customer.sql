-- Mark a customer as deleted, once.
UPDATE core_customer
   SET deleted_at = now()
 WHERE id = %(id)s AND account_id = %(account_id)s AND deleted_at IS NULL
RETURNING *
