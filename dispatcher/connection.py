"""The dispatcher's connection to PostgreSQL: how it is prepared, lost and found again."""

from collections.abc import Callable
from typing import TypeVar

from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, OperationalError, connections
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential_jitter

from outbox.database import execute
from outbox.sql import statements

_SQL = statements("dispatcher.sql")
T = TypeVar("T")

# SQLSTATE classes of a server or a link that is going away: connection exception, operator intervention
# (shutdown, crash), and too little of something the server needs (connections, memory, disk).
_LOST_CLASSES = ("08", "57P", "53")


def connection_is_lost(error: BaseException) -> bool:
    """Whether the database is out of reach, rather than one statement at fault.

    Without a SQLSTATE it was the client library that failed: the socket is gone or never was.
    """
    if isinstance(error, InterfaceError):
        return True
    if not isinstance(error, OperationalError):
        return False
    code = getattr(error.__cause__, "pgcode", None)
    return code is None or code.startswith(_LOST_CLASSES)


def connect() -> None:
    """Open this thread's connection and set it up for index plans; raises DatabaseError where it cannot."""
    connections[DEFAULT_DB_ALIAS].ensure_connection()
    execute(_SQL["prepare_session"], {})


def disconnect() -> None:
    connections[DEFAULT_DB_ALIAS].close()


def surviving_outages(
    work: Callable[[], T],
    *,
    on_outage: Callable[[BaseException, float], None],
    keep_trying: Callable[[], bool],
) -> T:
    """Run `work`, again after each loss of the connection, for as long as `keep_trying()` says.

    Waits 0.1 s, doubling to 5 s, with jitter: a server that comes back is not met by every dispatcher at once.
    """

    def reconnect_and_work() -> T:
        connection = connections[DEFAULT_DB_ALIAS]
        if connection.connection is None or connection.connection.closed:
            connection.close()
            connect()
        return work()

    def told(state: RetryCallState) -> None:
        disconnect()
        if state.outcome is not None and (error := state.outcome.exception()) is not None:
            on_outage(error, state.upcoming_sleep)

    retrying = Retrying(
        retry=retry_if_exception(
            lambda error: isinstance(error, DatabaseError) and connection_is_lost(error)
        ),
        wait=wait_exponential_jitter(multiplier=0.1, max=5, jitter=0.5),
        stop=lambda _: not keep_trying(),
        before_sleep=told,
        reraise=True,
    )
    return retrying(reconnect_and_work)
