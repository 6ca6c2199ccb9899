"""Lists over all owners find what failed by two indexes, built while deliveries go on."""

from django.db import migrations, models

from outbox.online_index import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("dispatcher", "0005_replays"),
    ]

    operations = [
        AddIndexOnline(
            model_name="attempt",
            index=models.Index(
                condition=models.Q(("failure_code__isnull", False)),
                fields=["failure_code", "id"],
                name="dispatcher_attempt_failure",
            ),
        ),
        AddIndexOnline(
            model_name="finisheddelivery",
            index=models.Index(
                condition=models.Q(("state", "succeeded"), _negated=True),
                fields=["state", "id"],
                name="dispatcher_finished_state",
            ),
        ),
    ]
