import uuid
from typing import TYPE_CHECKING

from django.apps import AppConfig

if TYPE_CHECKING:
    from dispatcher.resealing import SealedColumns
    from outbox.partitions import PartitionedTable


class DispatcherConfig(AppConfig):
    name = "dispatcher"
    verbose_name = "Webhook dispatcher"

    def ready(self) -> None:
        from dispatcher import checks  # noqa: F401  (registers them)

    def partitioned_tables(self) -> "list[PartitionedTable]":
        from dispatcher.config import dispatcher_settings
        from outbox.config import event_retention
        from outbox.partitions import PartitionedTable, Period

        return [
            PartitionedTable(
                name="dispatcher_attempt",
                period=Period.DAY,
                retention=dispatcher_settings().attempt_retention,
            ),
            # As long as the events they tell of, which a resend needs.
            PartitionedTable(
                name="dispatcher_finished_delivery", period=Period.MONTH, retention=event_retention()
            ),
        ]

    def sealed_columns(self) -> "list[SealedColumns]":
        from dispatcher.models import Endpoint
        from dispatcher.resealing import SealedColumns

        return [
            SealedColumns(
                table="dispatcher_endpoint", rows=Endpoint.objects, names=("secret", "previous_secret")
            )
        ]

    def needs_rows_before(self, table: str, bound: uuid.UUID) -> bool:
        from dispatcher.deliveries import live_work_before

        return live_work_before(table, bound)
