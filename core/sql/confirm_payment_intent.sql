-- Move an intent to where its payment method takes it, under the operation's id as the bank's reference. An operation
-- that moved it before moves it never again: its retry resumes from what the first try left behind.
-- plans maps what a payment method is asked as to the status, the interval until its settlement is due (none for those
-- never answered) and whether a charge is pending meanwhile. A method of another customer, or one given up, pays nothing.
WITH moved AS (
    UPDATE core_payment_intent
       SET status = coalesce(
               %(plans)s::jsonb -> coalesce(%(behaviour)s, payment_method, %(default_behaviour)s) ->> 'status',
               %(target)s
           ),
           payment_method = coalesce(%(behaviour)s, payment_method, %(default_behaviour)s),
           method_id = CASE WHEN %(behaviour)s IS NULL AND payment_method IS NOT NULL THEN method_id
                            ELSE %(method_id)s::uuid END,
           bank_reference = %(reference)s,
           settle_at = now() + (
               %(plans)s::jsonb -> coalesce(%(behaviour)s, payment_method, %(default_behaviour)s) ->> 'settle_after'
           )::interval,
           latest_charge_id = CASE
               WHEN %(plans)s::jsonb -> coalesce(%(behaviour)s, payment_method, %(default_behaviour)s) ? 'pending'
               THEN %(charge_id)s::uuid ELSE latest_charge_id END,
           last_payment_error = NULL,
           traceparent = %(traceparent)s,
           off_session = %(off_session)s,
           return_url = coalesce(%(return_url)s, return_url),
           capture_method = coalesce(%(capture_method)s, capture_method),
           setup_future_usage = coalesce(%(setup_future_usage)s, setup_future_usage),
           receipt_email = coalesce(%(receipt_email)s, receipt_email),
           shipping = coalesce(%(shipping)s::jsonb, shipping),
           payment_method_options = coalesce(%(payment_method_options)s::jsonb, payment_method_options)
     WHERE id = %(id)s
       AND account_id = %(account_id)s
       AND status = ANY (%(sources)s)
       AND bank_reference IS DISTINCT FROM %(reference)s
       AND (%(method_customer_id)s::uuid IS NULL OR customer_id = %(method_customer_id)s::uuid)
    RETURNING *
), made AS (
    INSERT INTO core_payment_method (id, account_id, behaviour, billing_details, allow_redisplay, metadata)
    SELECT method_id, account_id, payment_method, %(billing_details)s::jsonb, 'unspecified', '{}'
      FROM moved
     WHERE %(makes_method)s AND method_id = %(method_id)s::uuid
)
SELECT * FROM moved
