-- Write down, for each session that is served, the events of its account that it has no message of; oldest first, and
-- no more than there is room for. An event that has one receiver is not for it.
INSERT INTO api_cli_message (id, session_id, subject_id)
SELECT outbox_uuid7(), session.id, event.id
FROM unnest(%(sessions)s::uuid[], %(connections)s::uuid[], %(cursors)s::uuid[], %(rooms)s::int[])
     AS served (id, connection, cursor, room)
JOIN api_cli_session AS session ON session.id = served.id AND session.connection = served.connection
CROSS JOIN LATERAL (
    SELECT recorded.id
    FROM outbox_event AS recorded
    WHERE recorded.owner = session.owner
      AND recorded.id > served.cursor
      AND recorded.type <> %(left_out)s
      AND NOT EXISTS (
          SELECT FROM api_cli_message AS known
          WHERE known.session_id = served.id AND known.subject_id = recorded.id AND NOT known.manual
      )
    ORDER BY recorded.id
    LIMIT served.room
) AS event
ON CONFLICT DO NOTHING
RETURNING session_id, subject_id
