"""A pointer carries its event's place among those of the same order key.

The sequence is drawn while the recorder's transaction holds the object's row lock, so within a key it grows in
the order in which things happened, whatever the clocks of the recorders say.
"""

from django.db import migrations, models

# Quick to build: outbox_pending_order (the table holds what was recorded within the last moments)
ADD_ORDER = """
CREATE SEQUENCE outbox_pending_sequence;
ALTER TABLE outbox_pending
    ADD COLUMN order_key text,
    ADD COLUMN sequence bigint DEFAULT nextval('outbox_pending_sequence');
CREATE INDEX outbox_pending_order ON outbox_pending (order_key, sequence)
"""

DROP_ORDER = """
ALTER TABLE outbox_pending DROP COLUMN order_key, DROP COLUMN sequence;
DROP SEQUENCE outbox_pending_sequence
"""


class Migration(migrations.Migration):
    dependencies = [("outbox", "0002_partition_functions")]

    operations = [
        migrations.RunSQL(
            ADD_ORDER,
            DROP_ORDER,
            state_operations=[
                migrations.AddField("PendingEvent", "order_key", models.TextField(null=True)),
                migrations.AddField(
                    "PendingEvent",
                    "sequence",
                    models.BigIntegerField(null=True, editable=False),
                ),
                migrations.AddIndex(
                    "PendingEvent",
                    models.Index(fields=["order_key", "sequence"], name="outbox_pending_order"),
                ),
            ],
        ),
        # Set while an event with many endpoints is fanned out in steps: the last endpoint that has its delivery.
        migrations.AddField("PendingEvent", "fanned_out_to", models.UUIDField(null=True)),
    ]
