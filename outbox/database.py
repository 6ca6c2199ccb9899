"""The one door to raw SQL: runs a named statement on Django's connection of this thread."""

import contextlib
import uuid
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

import django.db.backends.postgresql.base  # noqa: F401 - registers psycopg2's own UUID types; ours come after them
import psycopg2
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, OperationalError, connections
from psycopg2.extensions import AsIs, new_array_type, new_type, register_adapter, register_type

from outbox.config import prepares
from outbox.sql import Prepared

_UUID, _UUID_ARRAY = 2950, 2951  # their object ids in every PostgreSQL
_UNKNOWN = uuid.SafeUUID.unknown
_set = object.__setattr__

# SQLSTATE classes of a server or a link that is going away: connection exception, operator intervention
# (shutdown, crash), and too little of something the server needs (connections, memory, disk).
_LOST_CLASSES = ("08", "57P", "53")
# Undefined table, column, function.
_NOT_MIGRATED = frozenset({"42P01", "42703", "42883"})


def _read_uuid(text: Any, _: Any) -> uuid.UUID | None:
    if text is None:
        return None
    # As UUID(int=…), without its checks of six ways to make one: a dispatcher reads four for every delivery.
    value = uuid.UUID.__new__(uuid.UUID)
    _set(value, "int", int(text.replace("-", ""), 16))
    _set(value, "is_safe", _UNKNOWN)
    return value


# UUID parameters and results, arrays too, for every connection; psycopg2's own cost three times as much.
register_adapter(uuid.UUID, lambda value: AsIs(f"'{value.int:032x}'::uuid"))
_uuid_type = new_type((_UUID,), "UUID", _read_uuid)
register_type(_uuid_type)
register_type(new_array_type((_UUID_ARRAY,), "UUID[]", _uuid_type))

# Which statements each session has prepared; they outlive transactions, and end with the connection.
_prepared: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()


def in_transaction() -> bool:
    return connections[DEFAULT_DB_ALIAS].in_atomic_block


def is_connected() -> bool:
    """Whether this thread's connection still stands, as far as its last statement told."""
    connection = connections[DEFAULT_DB_ALIAS].connection
    return connection is not None and not connection.closed


def disconnect() -> None:
    """Close this thread's connection; the next statement opens another."""
    connections[DEFAULT_DB_ALIAS].close()


def database_failed(error: BaseException) -> bool:
    """Whether the database failed, or the way to it, rather than what was asked of it.

    A connection that is lost during COMMIT is told by psycopg2 as a DatabaseError and nothing more special.
    """
    if isinstance(error, OperationalError | InterfaceError):
        return True
    return type(error) is DatabaseError and sqlstate(error) is None


def connection_is_lost(error: BaseException) -> bool:
    """Whether the database is out of reach, rather than one statement at fault.

    Without a SQLSTATE it was the client library that failed: the socket is gone or never was. A server
    that is read-only was a primary a moment ago; another address may be it now.
    """
    if isinstance(error, InterfaceError):
        return True
    code = sqlstate(error)
    if code is None:
        return database_failed(error)
    return code.startswith(_LOST_CLASSES) or code == "25006"


def schema_is_missing(error: BaseException) -> bool:
    """Whether tables, columns or functions are not there: migrations have not been applied."""
    return sqlstate(error) in _NOT_MIGRATED


def sqlstate(error: BaseException) -> str | None:
    """PostgreSQL's code of an error; None where it was not the server that failed."""
    code: str | None = getattr(error.__cause__, "pgcode", None)
    return code


def first_line(error: BaseException) -> str:
    """What an error says, in a line: on the others PostgreSQL quotes the row or the statement at fault."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def listening_descriptor() -> int | None:
    """The socket on which notifications arrive for this thread's connection, None where there is none."""
    connection = connections[DEFAULT_DB_ALIAS].connection
    return None if connection is None or connection.closed else int(connection.fileno())


def take_notifications() -> bool:
    """Drop the notifications that this thread's connection has got, and say whether there were any.

    Some come with the answer to a COMMIT: they are no longer to be read from the socket. A broken connection
    shows with its next statement.
    """
    connection = connections[DEFAULT_DB_ALIAS].connection
    if connection is None:
        return False
    with contextlib.suppress(psycopg2.Error):
        connection.poll()
    any_came = bool(connection.notifies)
    connection.notifies.clear()
    return any_came


def fetch_all(statement: str | Prepared, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run one statement that returns rows. Joins the open transaction, else commits by itself."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(_text(statement), parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def execute(statement: str | Prepared, parameters: Mapping[str, Any]) -> int:
    """Run one statement for its effect; gives the number of rows. Transactions as in fetch_all."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(_text(statement), parameters)
        count: int = cursor.rowcount
    return count


def _text(statement: str | Prepared) -> str:
    if isinstance(statement, str):
        return statement
    if not prepares():
        return statement.text
    connection = connections[DEFAULT_DB_ALIAS]
    session = connection.connection
    known = _prepared.setdefault(session, set())
    if statement.name not in known:
        # Not Django's cursor, which would look for parameters; its errors are to be Django's all the same.
        with connection.wrap_database_errors, session.cursor() as cursor:
            cursor.execute(statement.preparation)
        known.add(statement.name)
    return statement.call
