-- Whether anything is left to do now: pointers to fan out, leases, and deliveries that are due.
SELECT EXISTS (SELECT FROM outbox_pending)
    OR EXISTS (SELECT FROM dispatcher_delivery WHERE lease_owner IS NOT NULL)
    OR EXISTS (
        SELECT FROM dispatcher_lane
        WHERE ready_at <= statement_timestamp() AND ready_at < 'infinity'
          AND NOT EXISTS (SELECT FROM dispatcher_pause)
    )
