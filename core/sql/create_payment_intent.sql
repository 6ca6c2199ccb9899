-- Write a payment intent, unless the customer it names is not the account's, or deleted: then no row is written. A
-- payment method that is new with it is written too.
WITH made AS (
    INSERT INTO core_payment_method (id, account_id, behaviour, billing_details, allow_redisplay, metadata)
    SELECT %(method_id)s::uuid, %(account_id)s, %(payment_method)s, %(billing_details)s::jsonb, 'unspecified', '{}'
     WHERE %(makes_method)s
)
INSERT INTO core_payment_intent (
    id, account_id, customer_id, amount, currency, status, amount_received, client_secret, description, metadata,
    payment_method, method_id, payment_method_types, payment_method_options, automatic_payment_methods,
    receipt_email, shipping, statement_descriptor, statement_descriptor_suffix, capture_method, setup_future_usage,
    return_url
)
SELECT %(id)s, %(account_id)s, %(customer_id)s, %(amount)s, %(currency)s, %(status)s, 0, %(client_secret)s,
       %(description)s, %(metadata)s::jsonb, %(payment_method)s, %(method_id)s::uuid,
       %(payment_method_types)s::jsonb, %(payment_method_options)s::jsonb, %(automatic_payment_methods)s::jsonb,
       %(receipt_email)s, %(shipping)s::jsonb, %(statement_descriptor)s, %(statement_descriptor_suffix)s,
       %(capture_method)s, %(setup_future_usage)s, %(return_url)s
 WHERE %(customer_id)s::uuid IS NULL
    OR EXISTS (
           SELECT FROM core_customer
            WHERE id = %(customer_id)s AND account_id = %(account_id)s AND deleted_at IS NULL
       )
