-- What the bank said to this reference before.
SELECT approved, code, decline_code, message FROM core_bank_answer WHERE reference = %(reference)s
