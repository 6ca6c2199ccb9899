-- Take due settlements, oldest first, away from every other process for the time of a lease.
UPDATE core_payment_intent
   SET settle_at = now() + %(lease)s
 WHERE id = ANY (ARRAY(
           SELECT id
             FROM core_payment_intent
            WHERE status = 'processing' AND settle_at <= now()
            ORDER BY settle_at
            LIMIT %(limit)s
              FOR NO KEY UPDATE SKIP LOCKED
       ))
RETURNING id, account_id, bank_reference, amount, currency, payment_method, method_id, latest_charge_id, off_session,
          traceparent
