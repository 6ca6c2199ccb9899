"""The head of an order key is found by an index that nothing competes with.

By (endpoint, order_key, sequence) PostgreSQL may take the unique index on (endpoint, event, resend_no) instead and
sort, where it believes the table to be empty because its statistics come from a moment at which it was: then each
head costs the endpoint's whole backlog. An index on the endpoint as text serves this question and no other.
"""

from django.db import migrations, models
from django.db.models.functions import Cast


class Migration(migrations.Migration):
    dependencies = [("dispatcher", "0002_limits_and_order")]

    operations = [
        migrations.AddIndex(
            "Delivery",
            models.Index(
                Cast("endpoint_id", models.TextField()),
                models.F("order_key"),
                models.F("sequence"),
                condition=models.Q(("order_key__isnull", False)),
                name="dispatcher_delivery_head",
            ),
        ),
        migrations.RemoveIndex("Delivery", "dispatcher_delivery_order"),
    ]
