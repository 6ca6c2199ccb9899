"""An event may tell what its object was before: the attributes that changed, as JSON text.

A column of its own, so that `data` stays the object's text, byte for byte, and goes out unparsed.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("outbox", "0004_strays")]

    operations = [migrations.AddField("Event", "previous", models.TextField(null=True))]
