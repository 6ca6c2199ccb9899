"""`python -m bench.claim_plans`: what claims cost, as EXPLAIN (ANALYZE, BUFFERS) of their statements counts it.

Every claim runs for real and is rolled back, so that each repetition meets the same rows. Each of its statements is
explained in a savepoint first; the first claim warms caches and plans and is left out. Writes a JSON file.
"""

import argparse
import json
import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class Explained:
    """The statements of one claim."""

    claimed: int = 0
    milliseconds: float = 0.0
    buffers: int = 0
    statements: list[str] = field(default_factory=list)  # one line each

    def add(self, statement: str, plan: dict[str, Any]) -> None:
        took = plan["Execution Time"] + plan["Planning Time"]
        read = plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
        self.milliseconds += took
        self.buffers += read
        first = statement.strip().splitlines()[0].removeprefix("-- ")
        self.statements.append(f"{took:8.2f} ms {read:7} buffers  {first}")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.claim_plans",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--claims", type=int, default=20)
    parser.add_argument("--limit", type=int, default=500, help="deliveries claimed at most")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
    import django

    django.setup()
    from dispatcher.connection import connect

    connect()
    claims = [_explained_claim(options.limit) for _ in range(1 + options.claims)][1:]
    options.out.write_text(
        json.dumps(
            {
                "claimed": [claim.claimed for claim in claims],
                "milliseconds": [claim.milliseconds for claim in claims],
                "buffers": [claim.buffers for claim in claims],
                "statements": claims[-1].statements,
            }
        )
    )
    return 0


def _explained_claim(limit: int) -> Explained:
    from django.db import connection, transaction

    from dispatcher.claims import claim_due_deliveries

    explained = Explained()

    def explain(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        with connection.connection.cursor() as cursor:
            cursor.execute("SAVEPOINT explained")
            cursor.execute("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) " + sql, params)
            explained.add(sql, cursor.fetchone()[0][0])
            cursor.execute("ROLLBACK TO SAVEPOINT explained")
        return execute(sql, params, many, context)

    with transaction.atomic():
        with connection.execute_wrapper(explain):
            claims = claim_due_deliveries(
                limit=limit, lease_for=timedelta(seconds=30), lease_owner=uuid.uuid4()
            )
        explained.claimed = len(claims)
        transaction.set_rollback(True)
    return explained


if __name__ == "__main__":
    raise SystemExit(main())
