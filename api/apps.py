from django.apps import AppConfig

from outbox.partitions import PartitionedTable, Period


class ApiConfig(AppConfig):
    name = "api"
    verbose_name = "REST API"

    def expire_rows(self, *, limit: int) -> int:
        from api.cli_relay.feed import forget_messages
        from api.idempotency import forget_operations
        from api.rate_limit import forget_buckets

        return forget_operations(limit=limit) + forget_messages(limit=limit) + forget_buckets(limit=limit)

    def partitioned_tables(self) -> list[PartitionedTable]:
        from api.config import request_log_retention

        return [
            PartitionedTable(name="api_request_log", period=Period.DAY, retention=request_log_retention())
        ]
