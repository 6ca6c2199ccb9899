-- All rows of a confirmed payment intent in one statement, as bare_view_create does for a created one.
WITH intent AS (
    UPDATE core_payment_intent
    SET status = 'succeeded', amount_received = amount, bank_reference = %(event_id)s
    WHERE id = %(id)s AND account_id = %(account_id)s AND status = 'requires_confirmation'
),
answer AS (
    INSERT INTO core_bank_answer (reference, approved) VALUES (%(event_id)s, true)
),
event AS (
    INSERT INTO outbox_event (id, owner, type, object_id, data, idempotency_key)
    VALUES (%(event_id)s, %(owner)s, 'payment_intent.succeeded', %(public_id)s, %(body)s, %(key)s)
),
kept AS (
    INSERT INTO api_idempotency_key
        (id, account_id, key, endpoint, fingerprint, request_id, lease_until, status, body)
    SELECT %(event_id)s, %(account_id)s, %(key)s, 'POST /payment_intents/confirm', '', 'req', now(), 200,
           %(body)s::text::bytea
    WHERE %(key)s IS NOT NULL
),
logged AS (
    INSERT INTO api_request_log
        (id, method, path, status, milliseconds, api_version, account_id, idempotency_key, parameters)
    SELECT %(event_id)s, 'POST', '/payment_intents/confirm/', 200, 0, 'bare', %(account_id)s, %(key)s, %(parameters)s
    WHERE %(logged)s
)
INSERT INTO outbox_pending (event_id) VALUES (%(event_id)s)
