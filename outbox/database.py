"""The one door to raw SQL: runs a named statement on Django's connection of this thread."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from psycopg2.extensions import AsIs, new_array_type, new_type, register_adapter, register_type

_UUID, _UUID_ARRAY = 2950, 2951  # their object ids in every PostgreSQL


def _read_uuid(text: Any, _: Any) -> uuid.UUID | None:
    return None if text is None else uuid.UUID(int=int(text.replace("-", ""), 16))


# UUID parameters and results, arrays too, for every connection. psycopg2's own register_uuid does the same
# at twice the cost, and a dispatcher passes a dozen for every delivery.
register_adapter(uuid.UUID, lambda value: AsIs(f"'{value.int:032x}'::uuid"))
_uuid_type = new_type((_UUID,), "UUID", _read_uuid)
register_type(_uuid_type)
register_type(new_array_type((_UUID_ARRAY,), "UUID[]", _uuid_type))


def in_transaction() -> bool:
    return connections[DEFAULT_DB_ALIAS].in_atomic_block


def is_connected() -> bool:
    """Whether this thread's connection still stands, as far as its last statement told."""
    connection = connections[DEFAULT_DB_ALIAS].connection
    return connection is not None and not connection.closed


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
