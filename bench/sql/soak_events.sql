-- Every event that was not recorded for the overload's owner.
SELECT id, type, object_id FROM outbox_event WHERE owner <> %(owner)s
