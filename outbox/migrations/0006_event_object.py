"""What happened to an object is found by an index, built while events are recorded."""

from django.db import migrations, models

from outbox.online_index import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("outbox", "0005_event_previous")]

    operations = [
        AddIndexOnline("Event", models.Index(fields=["object_id", "id"], name="outbox_event_object"))
    ]
