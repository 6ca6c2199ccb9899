-- Note that a key is in use; of many requests at once one writes.
UPDATE core_api_key
   SET last_used_at = now()
 WHERE id = %(id)s
   AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
