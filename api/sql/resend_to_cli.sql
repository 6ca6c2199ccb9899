-- Push an event once more to every session of the account that listens to events: connected, or gone so shortly that
-- it may be connecting anew.
INSERT INTO api_cli_message (id, session_id, subject_id, manual)
SELECT outbox_uuid7(), session.id, %(event_id)s, true
FROM api_cli_session AS session
WHERE session.account_id = %(account_id)s
  AND session.feature = 'webhooks'
  AND session.expires_at > clock_timestamp()
  AND session.seen_at > clock_timestamp()
      - CASE WHEN session.connection IS NULL THEN interval '10 seconds' ELSE interval '1 minute' END
RETURNING session_id
