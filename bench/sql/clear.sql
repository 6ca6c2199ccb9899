-- Empty every table that dispatching works on.
TRUNCATE dispatcher_endpoint, dispatcher_lane, dispatcher_delivery, dispatcher_finished_delivery,
         dispatcher_attempt, outbox_event, outbox_pending, dispatcher_rollup, dispatcher_process
