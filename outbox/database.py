"""The one door to raw SQL: runs a named statement on Django's connection of this thread."""

from collections.abc import Mapping
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from psycopg2.extras import register_uuid

# UUID parameters and arrays of them, for every connection: Django passes them through as they are.
register_uuid()  # type: ignore[no-untyped-call]


def in_transaction() -> bool:
    return connections[DEFAULT_DB_ALIAS].in_atomic_block


def fetch_all(text: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run one statement that returns rows. Joins the open transaction, else commits by itself."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(text, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def execute(text: str, parameters: Mapping[str, Any]) -> int:
    """Run one statement for its effect; gives the number of rows. Transactions as in fetch_all."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(text, parameters)
        count: int = cursor.rowcount
    return count
