-- Write the charge of a confirmation, with the words of its intent and the details of its payment method as they are
-- at this moment; where its money is taken at once, with the movement of the balance (as post_transaction does).
WITH charge AS (
    INSERT INTO core_charge (
        id, account_id, payment_intent_id, customer_id, method_id, behaviour, exp_month, exp_year, billing_details,
        amount, amount_captured, amount_refunded, currency, status, captured, failure_code, failure_message,
        decline_code, description, metadata, receipt_email, shipping, statement_descriptor,
        statement_descriptor_suffix, balance_transaction_id
    )
    SELECT %(id)s::uuid, intent.account_id, intent.id, intent.customer_id, intent.method_id, %(behaviour)s,
           method.exp_month, method.exp_year, coalesce(method.billing_details, '{}'), intent.amount,
           %(amount_captured)s::integer, 0, intent.currency, %(status)s, %(captured)s::boolean, %(failure_code)s,
           %(failure_message)s, %(decline_code)s, intent.description, intent.metadata, intent.receipt_email,
           intent.shipping, intent.statement_descriptor, intent.statement_descriptor_suffix,
           %(balance_transaction_id)s::uuid
      FROM core_payment_intent AS intent
      LEFT JOIN core_payment_method AS method ON method.id = intent.method_id
     WHERE intent.id = %(payment_intent_id)s::uuid
    RETURNING *
), posted AS (
    INSERT INTO core_balance_transaction (
        id, account_id, type, source, amount, fee, net, currency, description, available_at
    )
    SELECT balance_transaction_id, account_id, 'charge', %(source)s, amount_captured, %(fee)s::bigint,
           amount_captured - %(fee)s::bigint, currency, description, now() + %(available_after)s::interval
      FROM charge
     WHERE balance_transaction_id IS NOT NULL
    RETURNING id
), entries AS (
    INSERT INTO core_ledger_entry (transaction_id, book, amount)
    SELECT posted.id, entry.book, entry.amount
      FROM posted, unnest(%(books)s::text[], %(amounts)s::bigint[]) AS entry (book, amount)
)
SELECT * FROM charge
