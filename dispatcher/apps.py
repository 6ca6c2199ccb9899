import uuid
from typing import TYPE_CHECKING

from django.apps import AppConfig

if TYPE_CHECKING:
    from dispatcher.resealing import SealedColumns
    from outbox.partitions import PartitionedTable


class DispatcherConfig(AppConfig):
    name = "dispatcher"
    verbose_name = "Webhook dispatcher"
    crash_points = {
        "during_fan_out": "deliveries are created, the cycle's transaction is open",
        "during_claim": "deliveries are leased, the cycle's transaction is open",
        "after_claim": "leases are committed, none of them is sent",
        "before_hints": "leases are committed, no worker is told of them",
        "after_hints": "workers are told of leases",
        "during_begin": "a worker has begun deliveries, its transaction is open",
        "during_send": "a request is begun, its answer has not come",
        "after_send": "an answer has come, nothing of it is recorded",
        "before_record": "results are to be recorded, no transaction is open",
        "during_record": "results are recorded, the cycle's transaction is open",
        "after_record": "a cycle that recorded results is committed, what it claimed is not sent",
    }

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
