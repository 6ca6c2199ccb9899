-- All rows of a created payment intent in one statement; those of the key and of the log where they are wanted.
WITH intent AS (
    INSERT INTO core_payment_intent
        (id, account_id, amount, currency, status, amount_received, client_secret, description, metadata,
         payment_method, payment_method_types)
    VALUES (%(id)s, %(account_id)s, %(amount)s, %(currency)s, 'requires_confirmation', 0, %(client_secret)s,
            %(description)s, '{}', %(payment_method)s, '["card"]')
),
event AS (
    INSERT INTO outbox_event (id, owner, type, object_id, data, idempotency_key)
    VALUES (%(event_id)s, %(owner)s, 'payment_intent.created', %(public_id)s, %(body)s, %(key)s)
),
kept AS (
    INSERT INTO api_idempotency_key
        (id, account_id, key, endpoint, fingerprint, request_id, lease_until, status, body)
    SELECT %(event_id)s, %(account_id)s, %(key)s, 'POST /payment_intents', '', 'req', now(), 201, %(body)s::text::bytea
    WHERE %(key)s IS NOT NULL
),
logged AS (
    INSERT INTO api_request_log
        (id, method, path, status, milliseconds, api_version, account_id, idempotency_key, parameters)
    SELECT %(event_id)s, 'POST', '/payment_intents/', 201, 0, 'bare', %(account_id)s, %(key)s, %(parameters)s
    WHERE %(logged)s
)
INSERT INTO outbox_pending (event_id) VALUES (%(event_id)s)
