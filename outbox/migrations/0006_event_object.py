"""What happened to an object is found by an index.

On a large table make it beforehand, partition by partition, without holding up writes: `CREATE INDEX CONCURRENTLY …
ON <partition> (object_id, id)`. The statement below then adopts those instead of building them.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("outbox", "0005_event_previous")]

    operations = [
        migrations.AddIndex("Event", models.Index(fields=["object_id", "id"], name="outbox_event_object"))
    ]
