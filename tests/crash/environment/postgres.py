"""A durable PostgreSQL of the suite's own that is killed, restarted and put on a small disk, and keeps its data."""

import os
import shutil
import signal
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any, Self

import psycopg2

from tests.processes import until
from tools.failures import Failure
from tools.private_postgres import PrivatePostgres

SOCKET = ".s.PGSQL.5432"  # in the server's home
PRODUCT = "ministripe"  # the application's name in its sessions


class MortalPostgres:
    """Runs inside `with`; its home goes with the block.

    Attributes:
        home: holds data, socket and log; the same in every life of the server.
    """

    def __init__(self) -> None:
        # Not a directory of pytest: the server's account could not enter it, and a socket's path must be short.
        self.home = Path(tempfile.mkdtemp(prefix="ministripe-crash-", dir="/var/tmp"))
        self._running = PrivatePostgres(durable=True, home=self.home, temporary=False)

    def __enter__(self) -> Self:
        self._running.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.stop()
        shutil.rmtree(self.home)

    @property
    def url(self) -> str:
        return self._running.url

    @property
    def socket(self) -> str:
        return str(self.home / SOCKET)

    @property
    def postmaster(self) -> int:
        """Its process; raises OSError where none runs."""
        return int((self.home / "data" / "postmaster.pid").read_text().splitlines()[0])

    @property
    def is_up(self) -> bool:
        try:
            with closing(psycopg2.connect(self.url)):
                return True
        except psycopg2.OperationalError:
            return False

    def kill(self) -> None:
        """SIGKILL of the postmaster; its sessions notice and end. It stays down."""
        self._end(signal.SIGKILL)

    def kill_backend(self) -> None:
        """SIGKILL of one of the product's sessions; the server ends all the others and recovers by itself.

        Raises IndexError where the product has none.
        """
        os.kill(self.rows(_SESSIONS, PRODUCT)[0][0], signal.SIGKILL)

    def restart(self, mode: signal.Signals) -> None:
        """SIGINT is PostgreSQL's fast restart, SIGQUIT its immediate one."""
        self._end(mode)
        self.start()

    def stop(self) -> None:
        """The fast shutdown."""
        self._running.stop()

    def start(self) -> None:
        """Returns when it accepts connections, its recovery included."""

        def started() -> bool:
            try:
                self._running.start()
            except Failure:
                # Refused while sessions of the dead server still hold its shared memory.
                return False
            return True

        until(started, what="PostgreSQL's recovery")

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """One statement in a session of its own, committed."""
        with closing(psycopg2.connect(self.url, application_name="crash")) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                return cursor.fetchall() if cursor.description else []

    def log(self) -> str:
        return (self.home / "postgres.log").read_text(errors="replace")

    def _end(self, mode: signal.Signals) -> None:
        postmaster = self.postmaster
        os.kill(postmaster, mode)
        until(lambda: not is_running(postmaster), what=f"the server's end by {mode.name}")
        self._running.stop()  # its keeper, which has nothing left to keep


_SESSIONS = """
SELECT pid FROM pg_stat_activity WHERE application_name = %s AND pid <> pg_backend_pid() ORDER BY random()
"""


def is_running(process: int) -> bool:
    """A zombie has ended."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
