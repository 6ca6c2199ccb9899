from django.apps import AppConfig

from outbox.partitions import PartitionedTable, Period


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

        return forget_operations(limit=limit) + forget_messages(limit=limit)

    def partitioned_tables(self) -> list[PartitionedTable]:
        from api.config import request_log_retention

        return [
            PartitionedTable(name="api_request_log", period=Period.DAY, retention=request_log_retention())
        ]
