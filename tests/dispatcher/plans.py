"""How many rows statements really read, counted from EXPLAIN (ANALYZE)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

import outbox.database
from tests.dispatcher.scenes import query


@dataclass
class RowCount:
    """Rows read from tables and indexes by each statement, those that a filter threw away included."""

    statements: list[tuple[str, int, dict[str, Any]]] = field(default_factory=list)

    def largest(self) -> int:
        return max(rows for _, rows, _ in self.statements)

    def worst(self) -> str:
        text, rows, plan = max(self.statements, key=lambda entry: entry[1])
        return f"{rows} rows: {text.strip().splitlines()[0]}\n{json.dumps(plan, indent=1)[:6000]}"


@contextmanager
def counted_rows() -> Iterator[RowCount]:
    """Explains every statement in a savepoint that is rolled back, then runs it; requires a transaction."""
    count = RowCount()

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.lstrip().startswith(("--", "EXECUTE", "SELECT", "WITH", "INSERT", "UPDATE", "DELETE")):
            with connection.connection.cursor() as cursor:
                cursor.execute("SAVEPOINT explained")
                cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF) " + sql, params)
                plan = cursor.fetchone()[0][0]["Plan"]
                cursor.execute("ROLLBACK TO SAVEPOINT explained")
            count.statements.append((sql, _rows(plan), plan))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        yield count


def forget_plans() -> None:
    """Have this session prepare its statements anew, as one that was just opened."""
    query("DEALLOCATE ALL")
    outbox.database._prepared.pop(connection.connection, None)


def _rows(node: dict[str, Any]) -> int:
    own = 0
    if "Relation Name" in node and "Scan" in node["Node Type"]:
        removed = sum(node.get(key, 0) for key in ("Rows Removed by Filter", "Rows Removed by Index Recheck"))
        own = round((node["Actual Rows"] + removed) * node["Actual Loops"])
    return own + sum(_rows(child) for child in node.get("Plans", []))
