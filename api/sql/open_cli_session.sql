-- Take a session of the Stripe CLI over for a new connection, for as long as the API key that it was made with is good.
UPDATE api_cli_session AS session
SET connection = %(connection)s,
    seen_at = clock_timestamp(),
    expires_at = clock_timestamp() + %(lifetime)s
FROM core_api_key AS key, api_cli_secret AS secret
WHERE session.token_hash = %(token_hash)s
  AND session.expires_at > clock_timestamp()
  AND key.id = session.key_id
  AND key.revoked_at IS NULL
  AND coalesce(key.expires_at > clock_timestamp(), true)
  AND secret.account_id = session.account_id
RETURNING session.id, session.connection, session.feature, session.api_version, session.cursor, secret.sealed_secret
