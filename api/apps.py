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
        from api.ops.entry_links import forget_entry_links
        from api.ops.sessions import forget_sessions as forget_logins
        from api.pages.confirmations import forget_confirmations
        from api.portal.sessions import forget_sessions
        from api.rate_limit import forget_buckets

        forgets = (
            forget_operations,
            forget_messages,
            forget_buckets,
            forget_confirmations,
            forget_entry_links,
            forget_logins,
            forget_sessions,
        )
        return sum(forget(limit=limit) for forget in forgets)

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
        from api.config import audit_retention, request_log_retention

        return [
            PartitionedTable(name="api_request_log", period=Period.DAY, retention=request_log_retention()),
            PartitionedTable(name="api_audit_entry", period=Period.MONTH, retention=audit_retention()),
        ]
