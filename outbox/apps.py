import os
import sys
import uuid
from typing import TYPE_CHECKING, Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from outbox.crash_points import arm, known_points
from outbox.errors import NoCrashPoint

if TYPE_CHECKING:
    from outbox.partitions import PartitionedTable

_USAGE = 2


class OutboxConfig(AppConfig):
    name = "outbox"
    verbose_name = "Outbox"
    crash_points = {
        "during_record_event": "an event is inserted, its transaction is open",
        "during_maintenance": "a partition is made, its transaction is open",
        "during_drop": "a partition is dropped, its transaction is open",
    }

    def ready(self) -> None:
        """Exits with 2 where the environment names a crash point that no installed app has."""
        try:
            arm(os.environ, known_points())
        except NoCrashPoint as error:
            sys.stderr.write(f"{error}\n")
            raise SystemExit(_USAGE) from None
        post_migrate.connect(_make_first_partitions, sender=self)

    def partitioned_tables(self) -> "list[PartitionedTable]":
        from outbox.config import event_retention
        from outbox.partitions import PartitionedTable, Period

        # By month: events are listed by owner, and a list reads along every partition's index.
        return [PartitionedTable(name="outbox_event", period=Period.MONTH, retention=event_retention())]

    def needs_rows_before(self, table: str, bound: uuid.UUID) -> bool:
        from outbox.models import PendingEvent

        return table == "outbox_event" and PendingEvent.objects.filter(event_id__lt=bound).exists()


def _make_first_partitions(**_: Any) -> None:
    from outbox.partitions import maintain_partitions

    maintain_partitions()
