"""The SQL roles of a deployment within the database of the tests: what they may not do fails there."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import Error, connection

from core.roles import API, ROLES, Place, role_name, statements


@contextmanager
def made_roles() -> Iterator[str]:
    """The prefix of roles that no other database of this server has; they are gone afterwards."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_database(), current_schema(), current_user, oid FROM pg_database"
            " WHERE datname = current_database()"
        )
        database, schema, owner, number = cursor.fetchone()
        prefix = f"tested_{number}"
        place = Place(database=database, schema=schema, owner=owner)
        for statement in statements(place, prefix=prefix, existing=frozenset()):
            cursor.execute(statement)
    try:
        yield prefix
    finally:
        with connection.cursor() as cursor:
            for role in ROLES:
                name = role_name(prefix, role)
                cursor.execute(f"DROP OWNED BY {name}")
                cursor.execute(f"DROP ROLE {name}")


def as_api(prefix: str, handle: Callable[..., Any]) -> Callable[..., Any]:
    """The same, in a session that may do what the API's role may. What it costs is not among the counted statements."""

    def handled(*args: Any, **kwargs: Any) -> Any:
        _run(f"SET ROLE {role_name(prefix, API)}")
        try:
            return handle(*args, **kwargs)
        finally:
            try:
                _run("RESET ROLE")
            except Error:
                # The transaction failed, and its end takes the role back.
                assert connection.in_atomic_block

    return handled


def _run(statement: str) -> None:
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.cursor() as cursor:
        cursor.execute(statement)
