-- Whether a cycle would find anything, and whether a replay is due for a step: what an idle dispatcher asks, instead of
-- transactions of its own.
SELECT
    EXISTS (SELECT FROM outbox_pending)
    OR EXISTS (
        SELECT FROM dispatcher_lane
        WHERE ready_at <= statement_timestamp() AND ready_at < 'infinity'
          AND NOT EXISTS (SELECT FROM dispatcher_pause)
    ),
    EXISTS (SELECT FROM dispatcher_replay WHERE state = 'running' AND next_step_at <= statement_timestamp())
