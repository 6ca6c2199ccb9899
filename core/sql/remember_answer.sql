-- Keep the bank's answer, unless the reference has one already: then no row comes back.
INSERT INTO core_bank_answer (reference, approved, code, decline_code, message)
VALUES (%(reference)s, %(approved)s, %(code)s, %(decline_code)s, %(message)s)
ON CONFLICT (reference) DO NOTHING
