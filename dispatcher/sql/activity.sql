-- The sums of a range in parts of equal width, of one endpoint, of an owner's endpoints, or of all.
SELECT floor(extract(epoch FROM begins_at - %(origin)s) / %(width)s)::int AS part,
       sum(succeeded)::int, sum(failed)::int, sum(delivered)::int, sum(dead_lettered)::int, sum(cancelled)::int,
       sum(skipped)::int, sum(total_ms), jsonb_agg(codes) FILTER (WHERE codes <> '{}'),
       ARRAY[
           sum(durations[1])::int, sum(durations[2])::int, sum(durations[3])::int, sum(durations[4])::int,
           sum(durations[5])::int, sum(durations[6])::int, sum(durations[7])::int, sum(durations[8])::int,
           sum(durations[9])::int, sum(durations[10])::int, sum(durations[11])::int, sum(durations[12])::int
       ],
       ARRAY[
           sum(waits[1])::int, sum(waits[2])::int, sum(waits[3])::int, sum(waits[4])::int, sum(waits[5])::int,
           sum(waits[6])::int, sum(waits[7])::int, sum(waits[8])::int, sum(waits[9])::int, sum(waits[10])::int,
           sum(waits[11])::int, sum(waits[12])::int
       ]
FROM dispatcher_rollup
WHERE subject = coalesce(%(subject)s::uuid, md5(%(owner)s)::uuid, '00000000-0000-0000-0000-000000000000')
  AND seconds = %(seconds)s AND begins_at >= %(origin)s AND begins_at < %(end)s
GROUP BY part
