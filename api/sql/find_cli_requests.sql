-- As find_cli_events, of the request log: those lines that pass the session's filters. What the CLI asks for itself
-- is not in them.
INSERT INTO api_cli_message (id, session_id, subject_id)
SELECT outbox_uuid7(), session.id, request.id
FROM unnest(%(sessions)s::uuid[], %(connections)s::uuid[], %(cursors)s::uuid[], %(rooms)s::int[])
     AS served (id, connection, cursor, room)
JOIN api_cli_session AS session ON session.id = served.id AND session.connection = served.connection
CROSS JOIN LATERAL (
    SELECT logged.id
    FROM api_request_log AS logged
    WHERE logged.account_id = session.account_id
      AND logged.id > served.cursor
      AND logged.path NOT LIKE '%%/stripecli/sessions'
      AND coalesce(session.filters -> 'filter_http_method' ? logged.method, true)
      AND coalesce(session.filters -> 'filter_request_path' ? rtrim(logged.path, '/'), true)
      AND coalesce(session.filters -> 'filter_status_code' ? logged.status::text, true)
      AND coalesce(session.filters -> 'filter_status_code_type' ? ((logged.status / 100)::text || '00'), true)
      AND coalesce(
          session.filters -> 'filter_request_status'
              ? CASE WHEN logged.status < 400 THEN 'SUCCEEDED' ELSE 'FAILED' END,
          true
      )
      AND coalesce(session.filters -> 'filter_source' ? 'API', true)
      AND NOT EXISTS (
          SELECT FROM api_cli_message AS known
          WHERE known.session_id = served.id AND known.subject_id = logged.id AND NOT known.manual
      )
    ORDER BY logged.id
    LIMIT served.room
) AS request
ON CONFLICT DO NOTHING
RETURNING session_id, subject_id
