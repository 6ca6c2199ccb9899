-- Write how a pending charge ended, or what was captured of one that was held; where money is taken, with the movement
-- of the balance (as post_transaction does).
WITH charge AS (
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
