"""The dispatcher's connection to PostgreSQL: how it is prepared, lost and found again."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from django.db import DEFAULT_DB_ALIAS, Error, connections
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential_jitter

from dispatcher.config import dispatcher_settings
from outbox.database import connection_is_lost, disconnect, execute, first_line, sqlstate
from outbox.sql import statements

_SQL = statements("dispatcher.sql")
T = TypeVar("T")

# A transaction may stand still for such a part of a lease.
_PARTS_OF_A_LEASE = 4

# Serialization failure, deadlock, lock not available, statement timeout.
_TRANSIENT = frozenset({"40001", "40P01", "55P03", "57014"})


def is_transient(error: BaseException) -> bool:
    """Whether the same transaction may well succeed a moment later."""
    return sqlstate(error) in _TRANSIENT


def passes(error: BaseException) -> bool:
    """Whether the same work may well succeed later: nothing is wrong with it."""
    return connection_is_lost(error) or is_transient(error)


def connect() -> None:
    """Open this thread's connection, set it up for index plans and let it listen.

    Raises:
        django.db.Error: the database is out of reach.
    """
    connections[DEFAULT_DB_ALIAS].ensure_connection()
    stands_still = dispatcher_settings().lease / _PARTS_OF_A_LEASE
    execute(_SQL["prepare_session"], {"milliseconds": round(stands_still / timedelta(milliseconds=1))})
    execute(_SQL["listen"], {})


def surviving_outages(
    work: Callable[[], T],
    *,
    tell: Callable[[str], None],
    keep_trying: Callable[[], bool],
) -> T:
    """Run `work`, again after each failure that passes, for as long as `keep_trying()` says.

    Tells of each. Waits 0.1 s, doubling to 5 s, with jitter: a server that comes back is not met by
    every dispatcher at once.
    """

    def reconnect_and_work() -> T:
        connection = connections[DEFAULT_DB_ALIAS]
        if connection.connection is None or connection.connection.closed:
            connection.close()
            connect()
        return work()

    def told(state: RetryCallState) -> None:
        # Also where the connection stands: it may be one that was not prepared to the end.
        disconnect()
        if state.outcome is not None and (error := state.outcome.exception()) is not None:
            reason = first_line(error)
            what = "database out of reach" if connection_is_lost(error) else "statement failed"
            tell(f"{what} ({reason}); trying again in {state.upcoming_sleep:.1f} s")

    retrying = Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, Error) and passes(error)),
        wait=wait_exponential_jitter(multiplier=0.1, max=5, jitter=0.5),
        stop=lambda _: not keep_trying(),
        before_sleep=told,
        reraise=True,
    )
    return retrying(reconnect_and_work)
