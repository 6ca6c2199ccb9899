-- Whether a cycle would find anything: what an idle dispatcher asks, instead of a transaction of its own.
SELECT EXISTS (SELECT FROM outbox_pending)
    OR EXISTS (
        SELECT FROM dispatcher_lane
        WHERE ready_at <= statement_timestamp() AND ready_at < 'infinity'
          AND NOT EXISTS (SELECT FROM dispatcher_pause)
    )
