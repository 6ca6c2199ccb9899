"""`manage.py forget_idempotency_keys`: delete the answers that are no longer replayed. For a timer, once an hour."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from api.idempotency import forget_operations

_BATCH = 1_000


class Command(BaseCommand):
    help = "Delete idempotency keys past their retention (IDEMPOTENCY_RETENTION_SECONDS)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--batch", type=int, default=_BATCH, help="rows a transaction (default 1000)")

    def handle(self, *_: Any, batch: int, **__: Any) -> None:
        """A transaction a batch, so that no write waits for long."""
        forgotten = 0
        while deleted := forget_operations(limit=batch):
            forgotten += deleted
        self.stdout.write(f"{forgotten} idempotency keys forgotten")
