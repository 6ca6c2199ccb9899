-- Use a link up: gives whose it is, and no row where it was used, is over, or never was.
UPDATE api_entry_link SET used_at = clock_timestamp()
WHERE token_hash = %(token_hash)s AND used_at IS NULL AND expires_at > clock_timestamp()
RETURNING user_id
