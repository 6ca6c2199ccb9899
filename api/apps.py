from typing import TYPE_CHECKING

from django.apps import AppConfig

from outbox.partitions import PartitionedTable, Period

if TYPE_CHECKING:
    from dispatcher.resealing import SealedColumns


class ApiConfig(AppConfig):
    name = "api"
    verbose_name = "REST API"
    crash_points = {
        "after_key": "the idempotency key is taken, its transaction is open",
        "during_finish": "the answer is stored, its transaction is open",
        "after_write": "a write is committed, nobody is answered",
    }

    def expire_rows(self, *, limit: int) -> int:
        from api.cli_relay.feed import forget_messages
        from api.idempotency import forget_operations
        from api.rate_limit import forget_buckets

        return forget_operations(limit=limit) + forget_messages(limit=limit) + forget_buckets(limit=limit)

    def sealed_columns(self) -> "list[SealedColumns]":
        from api.models import CliSecret, IdempotencyKey
        from dispatcher.resealing import SealedColumns

        return [
            SealedColumns(table="api_cli_secret", rows=CliSecret.objects, names=("sealed_secret",)),
            # An answer that is kept for a replay, where it shows a secret.
            SealedColumns(
                table="api_idempotency_key",
                rows=IdempotencyKey.objects,
                names=("body",),
                only={"sealed": True},
            ),
        ]

    def partitioned_tables(self) -> list[PartitionedTable]:
        from api.config import request_log_retention

        return [
            PartitionedTable(name="api_request_log", period=Period.DAY, retention=request_log_retention())
        ]
