-- Whether anything is left to do now: pointers to fan out, leases, and deliveries that are due. While
-- deliveries are paused, what is due waits, and so do leases that ran out.
SELECT EXISTS (SELECT FROM outbox_pending)
    OR EXISTS (
        SELECT FROM dispatcher_delivery
        WHERE lease_owner IS NOT NULL
          AND (due_at > statement_timestamp() OR NOT EXISTS (SELECT FROM dispatcher_pause))
    )
    OR EXISTS (
        SELECT FROM dispatcher_lane
        WHERE ready_at <= statement_timestamp() AND ready_at < 'infinity'
          AND NOT EXISTS (SELECT FROM dispatcher_pause)
    )
