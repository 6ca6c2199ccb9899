-- The CLI has these; a message of another session is none of its business.
UPDATE api_cli_message AS message
SET acknowledged_at = clock_timestamp()
FROM unnest(%(ids)s::uuid[], %(sessions)s::uuid[]) AS said (id, session_id)
WHERE message.id = said.id AND message.session_id = said.session_id AND message.acknowledged_at IS NULL
