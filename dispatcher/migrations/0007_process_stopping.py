"""A process that was asked to stop, and lets end what is in flight, says so. A constant default rewrites nothing."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dispatcher", "0006_operators_lists")]

    operations = [
        migrations.AddField("Process", "stopping", models.BooleanField(default=False, db_default=False))
    ]
