-- What an overview tells beside its lanes: one row, each count up to a bound.
SELECT
    (SELECT since FROM dispatcher_pause),
    (SELECT reason FROM dispatcher_pause),
    (SELECT count(*) FROM (SELECT FROM outbox_pending LIMIT %(most)s) AS pending),
    (SELECT count(*) FROM (
        SELECT FROM dispatcher_process
        WHERE seen_at >= statement_timestamp() - %(alive_within)s::interval AND stopped_at IS NULL AND NOT stopping
          AND kind = 'dispatcher'
        LIMIT %(most)s
    ) AS alive),
    EXISTS (
        SELECT FROM dispatcher_rollup
        WHERE subject = coalesce(md5(%(owner)s)::uuid, '00000000-0000-0000-0000-000000000000') AND seconds = 3600
    )
