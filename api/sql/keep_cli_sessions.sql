-- Extend the sessions that a relay serves, and note how far each is. Missing from the rows are those that another
-- connection took over, and those whose API key is not good any more.
UPDATE api_cli_session AS session
SET seen_at = clock_timestamp(),
    expires_at = clock_timestamp() + %(lifetime)s,
    cursor = greatest(session.cursor, served.cursor)
FROM unnest(%(sessions)s::uuid[], %(connections)s::uuid[], %(cursors)s::uuid[]) AS served (id, connection, cursor),
     core_api_key AS key
WHERE session.id = served.id
  AND session.connection = served.connection
  AND key.id = session.key_id
  AND key.revoked_at IS NULL
  AND coalesce(key.expires_at > clock_timestamp(), true)
RETURNING session.id
