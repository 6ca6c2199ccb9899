"""Sessions of our own that get in the product's way: they take its connections, its locks, or its time."""

import contextlib
from collections.abc import Iterator
from contextlib import closing
from typing import Self

import psycopg2
import psycopg2.extensions

from outbox.identifiers import encode_id, new_uuid
from outbox.sql import statements
from tests.acceptance.server import Server
from tests.crash.environment.postgres import OURS, PRODUCT, log_of, run_sql
from tests.processes import until


@contextlib.contextmanager
def no_connections_left(postgres: Server) -> Iterator[int]:
    """The server takes no further session, and the product's were ended; gives how many we hold."""
    sessions: list[psycopg2.extensions.connection] = []

    def product_has_none() -> bool:
        _take_all(postgres, sessions)
        with sessions[0].cursor() as cursor:
            cursor.execute(_END_SESSIONS, [PRODUCT])
            return not cursor.fetchall()

    try:
        # What one of its sessions had is free once that has gone, and the product may be the first to take it.
        until(product_has_none, what="the end of all sessions of the product")
        _take_all(postgres, sessions)
        yield len(sessions)
    finally:
        for session in sessions:
            session.close()


def _take_all(postgres: Server, sessions: list[psycopg2.extensions.connection]) -> None:
    with contextlib.suppress(psycopg2.OperationalError):
        while True:
            session = psycopg2.connect(postgres.url, application_name=OURS)
            session.autocommit = True
            sessions.append(session)


def end_sessions(postgres: Server) -> int:
    """The administrator's command, for each session of the product; gives how many."""
    return len(run_sql(postgres, _END_SESSIONS, PRODUCT))


_END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"


def cancel_statements(postgres: Server) -> int:
    """Whatever the product's sessions run now fails, as at a statement's timeout; gives how many those are."""
    return len(run_sql(postgres, _CANCEL, PRODUCT))


_CANCEL = """
SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = %s AND state = 'active'
"""


@contextlib.contextmanager
def inserts_wait(postgres: Server, table: str) -> Iterator[None]:
    """Whoever inserts waits until the block ends, or its own timeout; reading goes on."""
    with closing(psycopg2.connect(postgres.url, application_name=OURS)) as session:
        with session.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {table} IN SHARE MODE")
        yield
        session.rollback()


def deadlocks(postgres: Server) -> int:
    """That the server has told of until now; its statistics would come late."""
    return log_of(postgres).count("ERROR:  deadlock detected")


def lock_against_the_order(postgres: Server) -> bool:
    """Lock lanes, then deliveries: the wrong way round. Gives whether the product had to yield.

    Whoever records holds deliveries and comes for their lanes. The server looks for deadlocks on behalf of who has
    waited for a second, which is never us, and fails that one.
    """
    before = deadlocks(postgres)
    with closing(psycopg2.connect(postgres.url, application_name=OURS)) as session:
        with session.cursor() as cursor:
            cursor.execute("SET deadlock_timeout = '1h'")
            cursor.execute("SELECT FROM dispatcher_lane ORDER BY endpoint_id FOR UPDATE")
            us = session.info.backend_pid
            until(lambda: run_sql(postgres, _WAITING_FOR, us) != [], what="somebody who wants a lane")
            cursor.execute("SELECT FROM dispatcher_delivery FOR UPDATE")
        session.rollback()
    return deadlocks(postgres) > before


# pg_locks and not pg_stat_activity, which a transaction reads once and then remembers.
_WAITING_FOR = "SELECT pid FROM pg_locks WHERE NOT granted AND %s = ANY (pg_blocking_pids(pid))"


class OldTransaction:
    """An event recorded and not committed while others, recorded later, are; a session that dies takes it along."""

    def __init__(self, postgres: Server, *, owner: str, type: str) -> None:
        self.id = new_uuid()
        self._session = psycopg2.connect(postgres.url, application_name=OURS)
        with self._session.cursor() as cursor:
            cursor.execute(
                statements("outbox.sql")["record_event"],
                {
                    "id": str(self.id),
                    "owner": owner,
                    "type": type,
                    "object_id": "old",
                    "data": '{"id":"old"}',
                    "request_id": None,
                    "idempotency_key": None,
                    "previous": None,
                    "fan_out": True,
                    "notify": True,
                    "order_key": "old",
                    "traceparent": None,
                },
            )

    @property
    def event(self) -> str:
        """Its public id."""
        return encode_id("evt", self.id)

    def commit(self) -> None:
        self._session.commit()
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()
