-- Which of these deliveries are still leased and begun by nobody; the claim number tells whose claim it is.
SELECT id, claim_no
FROM dispatcher_delivery
WHERE id = ANY (%(delivery_ids)s::uuid[]) AND attempt_id IS NOT NULL AND started_at IS NULL
