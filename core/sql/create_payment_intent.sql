-- Write a payment intent, unless the customer it names is not the account's, or deleted: then no row is written.
INSERT INTO core_payment_intent (
    id, account_id, customer_id, amount, currency, status, amount_received, client_secret, description, metadata,
    payment_method, payment_method_types, automatic_payment_methods, receipt_email, shipping,
    statement_descriptor, statement_descriptor_suffix
)
SELECT %(id)s, %(account_id)s, %(customer_id)s, %(amount)s, %(currency)s, %(status)s, 0, %(client_secret)s,
       %(description)s, %(metadata)s::jsonb, %(payment_method)s, %(payment_method_types)s::jsonb,
       %(automatic_payment_methods)s::jsonb, %(receipt_email)s, %(shipping)s::jsonb,
       %(statement_descriptor)s, %(statement_descriptor_suffix)s
 WHERE %(customer_id)s::uuid IS NULL
    OR EXISTS (
           SELECT FROM core_customer
            WHERE id = %(customer_id)s AND account_id = %(account_id)s AND deleted_at IS NULL
       )
