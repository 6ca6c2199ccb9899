-- One API key by its id, with what decides whether it is good; the database's clock judges its times.
SELECT account_id,
       (SELECT api_version FROM core_account WHERE id = account_id),
       kind,
       scopes::text,
       token_hash,
       revoked_at IS NOT NULL,
       coalesce(expires_at <= now(), false),
       coalesce(last_used_at < now() - interval '1 minute', true)
  FROM core_api_key
 WHERE id = %(id)s
