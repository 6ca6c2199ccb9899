-- Be told of recorded events while idle; see outbox/sql/record_event.sql.
LISTEN outbox_recorded
