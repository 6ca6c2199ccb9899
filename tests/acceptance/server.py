"""A durable PostgreSQL of a test's own, whose data outlives its death."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2

from tests.processes import until
from tools.failures import Failure
from tools.private_postgres import PrivatePostgres


class Server:
    """Runs from its creation to `stop()`; `start_again()` after a stop or a death finds the data as they were."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.start()

    @property
    def url(self) -> str:
        return self._running.url

    @property
    def postmaster(self) -> int:
        return int((self.home / "data" / "postmaster.pid").read_text().splitlines()[0])

    def start(self) -> None:
        server = PrivatePostgres(durable=True, home=self.home, temporary=False)
        server.start()
        self._running = server

    def kill(self) -> None:
        """SIGKILL of the postmaster; its sessions notice and end."""
        os.kill(self.postmaster, signal.SIGKILL)
        self.stop()
        try:
            psycopg2.connect(self.url).close()
        except psycopg2.OperationalError:
            return
        raise AssertionError("PostgreSQL outlived its postmaster")

    def start_again(self) -> None:
        """Refused while sessions of the dead server still hold its shared memory."""

        def started() -> bool:
            try:
                self.start()
            except Failure:
                return False
            return True

        until(started, what="PostgreSQL's recovery")

    def stop(self) -> None:
        self._running.stop()


@contextmanager
def durable_server() -> Iterator[Server]:
    # Not tmp_path: the server's account could not enter it, and a socket's path must be short.
    home = Path(tempfile.mkdtemp(prefix="ministripe-crash-", dir="/var/tmp"))
    try:
        server = Server(home)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(home)
