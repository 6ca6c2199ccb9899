-- Messages to push on the connections that are served, oldest first: those that are not acknowledged and were not
-- pushed on this very connection.
WITH served AS MATERIALIZED (
    SELECT given.id, given.connection, given.room
    FROM unnest(%(sessions)s::uuid[], %(connections)s::uuid[], %(rooms)s::int[]) AS given (id, connection, room)
    JOIN api_cli_session AS session ON session.id = given.id AND session.connection = given.connection
),
pushed AS (
    UPDATE api_cli_message AS message
    SET connection = picked.connection, pushed_at = clock_timestamp(), pushes = least(message.pushes, 1000) + 1
    FROM (
        SELECT waiting.id, served.connection
        FROM served
        CROSS JOIN LATERAL (
            SELECT id
            FROM api_cli_message
            WHERE session_id = served.id
              AND acknowledged_at IS NULL
              AND connection IS DISTINCT FROM served.connection
            ORDER BY subject_id
            LIMIT served.room
        ) AS waiting
    ) AS picked
    WHERE message.id = picked.id
    RETURNING message.id, message.session_id, message.subject_id
)
SELECT id, session_id, subject_id FROM pushed ORDER BY subject_id, id
