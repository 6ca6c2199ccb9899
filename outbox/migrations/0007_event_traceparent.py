"""An event may keep the trace in which it was recorded; NULL wherever traces are off, which takes no room."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("outbox", "0006_event_object")]

    operations = [migrations.AddField("Event", "traceparent", models.TextField(null=True))]
