-- What developers' programs answered. An answer says that the CLI has the message, too.
UPDATE api_cli_message AS message
SET acknowledged_at = coalesce(message.acknowledged_at, clock_timestamp()),
    answered_at = clock_timestamp(),
    status = said.status,
    body = said.body,
    headers = said.headers::jsonb,
    forward_url = said.forward_url
FROM unnest(
    %(ids)s::uuid[], %(sessions)s::uuid[], %(statuses)s::smallint[], %(bodies)s::text[], %(headers)s::text[],
    %(urls)s::text[]
) AS said (id, session_id, status, body, headers, forward_url)
WHERE message.id = said.id AND message.session_id = said.session_id
