-- How many events an endpoint was not sent because it was disabled, the newest first and no more than a bound of
-- them looked at: those that were resent or replayed since are left out.
SELECT count(*) FILTER (WHERE NOT EXISTS (
           SELECT FROM dispatcher_finished_delivery AS later
           WHERE later.endpoint_id = %(endpoint_id)s
             AND later.state = ANY (ARRAY['cancelled', 'dead_lettered', 'succeeded'])
             AND later.event_id = skipped.event_id AND later.id >= %(oldest)s
             AND later.resend_no > skipped.resend_no
       ) AND NOT EXISTS (
           SELECT FROM dispatcher_delivery AS live
           WHERE live.endpoint_id = %(endpoint_id)s AND live.event_id = skipped.event_id
       )),
       count(*)
FROM (
    SELECT event_id, resend_no
    FROM dispatcher_finished_delivery
    WHERE endpoint_id = %(endpoint_id)s AND state = 'skipped' AND event_id >= %(oldest)s
    ORDER BY event_id DESC
    LIMIT %(most)s
) AS skipped
