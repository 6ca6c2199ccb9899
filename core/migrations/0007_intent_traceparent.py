"""A payment keeps the trace of its confirmation until it is settled; NULL wherever traces are off."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0006_api_key_scopes")]

    operations = [migrations.AddField("PaymentIntent", "traceparent", models.TextField(null=True))]
