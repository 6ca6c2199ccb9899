"""An endpoint may be sent the trace that its deliveries belong to. A constant default rewrites nothing."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dispatcher", "0003_rollups_and_processes")]

    operations = [
        migrations.AddField(
            "Endpoint", "send_traceparent", models.BooleanField(default=False, db_default=False)
        )
    ]
