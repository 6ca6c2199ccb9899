"""`manage.py reencrypt_secrets`: what is sealed with an older key is sealed with the newest one."""

import argparse
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from dispatcher.resealing import Resealed, reencrypt_secrets

_BATCH = 500
_MOST_NAMED = 20


class Command(BaseCommand):
    help = (
        "Seal signing secrets, and answers that hold one, with the first key of WEBHOOK_SECRET_KEYS. Afterwards the "
        "others can be removed. Run again after an interruption: what is done is not done twice."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--batch",
            type=_batch,
            default=_BATCH,
            metavar="N",
            help=f"rows a transaction, 1 to 10000 (default {_BATCH})",
        )

    def handle(self, *args: Any, batch: int, **options: Any) -> None:
        done = reencrypt_secrets(batch=batch, progress=self._tell)
        for table in done:
            counts = {
                "rows": table.rows,
                "resealed": table.resealed,
                "undecryptable": len(table.undecryptable),
            }
            self.stdout.write(json.dumps({"table": table.table, **counts}))
        lost = [f"{table.table}.{name} of {key}" for table in done for key, name in table.undecryptable]
        if lost:
            named = "\n".join(lost[:_MOST_NAMED] + ["…"] * (len(lost) > _MOST_NAMED))
            raise CommandError(
                f"No key of the list opens {len(lost)} of them; the key that did is missing:\n{named}"
            )

    def _tell(self, table: Resealed) -> None:
        self.stderr.write(f"{table.table}: {table.resealed:,} of {table.rows:,} sealed anew")


def _batch(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 10_000:
        raise argparse.ArgumentTypeError("must be between 1 and 10000")
    return number
