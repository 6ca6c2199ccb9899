-- Lock the deliveries that two statements of a transaction will change, in the one order of all transactions.
SELECT id FROM dispatcher_delivery WHERE id = ANY (%(ids)s::uuid[]) ORDER BY id FOR UPDATE
