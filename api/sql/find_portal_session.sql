-- The session of the portal that a token opens, for as long as the API key that it was made with is good.
SELECT session.id,
       session.account_id,
       session.owner,
       account.name,
       session.api_version,
       session.allowed_origins,
       session.expires_at
FROM api_portal_session AS session
JOIN core_api_key AS key ON key.id = session.key_id
JOIN core_account AS account ON account.id = session.account_id
WHERE session.token_hash = %(token_hash)s
  AND session.revoked_at IS NULL
  AND session.expires_at > clock_timestamp()
  AND key.revoked_at IS NULL
  AND coalesce(key.expires_at > clock_timestamp(), true)
