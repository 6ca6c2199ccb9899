"""What is done to the suite's PostgreSQL: its sessions and its postmaster are killed, it is restarted, it is asked."""

import os
import signal
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2

from tests.acceptance.server import Server
from tests.processes import until

PRODUCT = "ministripe"  # the application's name in the product's sessions
OURS = "crash"  # and in those of the suite


def run_sql(postgres: Server, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """One statement in a session of its own, committed; gives its rows, if it has any."""
    with closing(psycopg2.connect(postgres.url, application_name=OURS)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []


def kill_session(postgres: Server) -> None:
    """SIGKILL of one of the product's sessions; the server ends all others and recovers by itself.

    Waits until the product has one.
    """
    found: list[tuple[Any, ...]] = []

    def found_one() -> bool:
        found[:] = run_sql(postgres, _ANY_SESSION, PRODUCT)
        return bool(found)

    until(found_one, what="a session of the product")
    backend = int(found[0][0])
    os.kill(backend, signal.SIGKILL)
    until(lambda: not is_running(backend), what="the end of the killed session")


_ANY_SESSION = "SELECT pid FROM pg_stat_activity WHERE application_name = %s ORDER BY random() LIMIT 1"


def restart(postgres: Server, mode: signal.Signals) -> None:
    """SIGINT is PostgreSQL's fast restart, SIGQUIT its immediate one."""
    postmaster = postgres.postmaster
    os.kill(postmaster, mode)
    until(lambda: not is_running(postmaster), what=f"the server's end by {mode.name}")
    postgres.stop()  # its keeper, which has nothing left to keep
    postgres.start_again()


def is_up(postgres: Server) -> bool:
    """Whether it takes sessions."""
    try:
        run_sql(postgres, "SELECT 1")
    except psycopg2.Error:
        return False
    return True


def log_of(postgres: Server) -> str:
    return (postgres.home / "postgres.log").read_text(errors="replace")


def is_running(process: int) -> bool:
    """A zombie has ended."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
