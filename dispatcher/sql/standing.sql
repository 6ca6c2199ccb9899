-- What stands in the database beside lanes, for metrics: one row, each count up to a bound.
SELECT
    (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM outbox_pending_sequence),
    (SELECT count(*) FROM (SELECT FROM outbox_pending LIMIT %(most)s) AS pending),
    (SELECT count(*) FROM (
        SELECT FROM dispatcher_delivery WHERE lease_owner IS NOT NULL LIMIT %(most)s
    ) AS leased),
    (SELECT count(*) FROM dispatcher_pause),
    ARRAY(
        SELECT strays.held
        FROM unnest(%(tables)s::text[]) WITH ORDINALITY AS parent (name, position)
        CROSS JOIN LATERAL outbox_strays(parent.name, %(least)s, %(most_strays)s) AS strays
        ORDER BY parent.position
    )
