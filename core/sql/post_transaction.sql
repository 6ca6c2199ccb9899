-- Write a movement of a merchant's balance with its ledger entries, which the trigger of their table adds up.
-- It is available at once, unless the money that it takes back is not.
WITH posted AS (
    INSERT INTO core_balance_transaction (
        id, account_id, type, source, amount, fee, net, currency, description, available_at
    )
    VALUES (
        %(id)s::uuid, %(account_id)s::uuid, %(type)s, %(source)s, %(amount)s::bigint, 0, %(amount)s::bigint,
        %(currency)s, %(description)s, greatest(now(), %(available_at)s::timestamptz)
    )
    RETURNING id
)
INSERT INTO core_ledger_entry (transaction_id, book, amount)
SELECT posted.id, entry.book, entry.amount
  FROM posted, unnest(%(books)s::text[], %(amounts)s::bigint[]) AS entry (book, amount)
