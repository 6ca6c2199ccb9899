"""The process that starts a private server, keeps it while its owner lives, and cleans up after it.

`main()` reads its Order as JSON from its first argument and answers one JSON line on stdout,
`{"ready": …}` or `{"failure": …}`. It ends on SIGTERM, on SIGINT, when the server ends, and, unless the
order says `detached`, when its stdin closes.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.failures import Failure, tail
from tools.keeping import answer, answer_failure, stop, told_to_stop, wake_on_signals
from tools.private_postgres.cluster import Account, Cluster

LOCK_NAME = "keeper.lock"
START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Order:
    home: str
    binaries: str
    durable: bool
    temporary: bool  # the home is removed at the end
    detached: bool  # nobody holds our stdin; `stop` sends SIGTERM


def main() -> int:
    order = Order(**json.loads(sys.argv[1]))
    wake = wake_on_signals()
    home = Path(order.home)
    try:
        _keep_at(home, order, wake)
    except Failure as failure:
        answer_failure(failure)
        return 1
    except OSError as error:
        answer({"failure": [f"The private PostgreSQL did not start: {error}.", "", "", f"look at {home}"]})
        return 1
    return 0


def _keep_at(home: Path, order: Order, wake: int) -> None:
    account = Account.needed()
    cluster = Cluster(home=home, binaries=Path(order.binaries), durable=order.durable, account=account)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with hold(home):
        try:
            _keep(cluster, order, wake)
        finally:
            if order.temporary:
                shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def hold(home: Path) -> Iterator[None]:
    """Have the home to ourselves; its lock file names our process. Raises Failure where it is taken."""
    lock = home / LOCK_NAME
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode().strip() or "unknown"
        os.close(descriptor)
        raise Failure(
            f"{home} is in use by another private PostgreSQL (keeper process {holder}).",
            suggestion="stop the demo that is still running, or that process",
        ) from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(descriptor)


def _keep(cluster: Cluster, order: Order, wake: int) -> None:
    cluster.prepare()
    server = cluster.serve()
    try:
        _wait_until_ready(cluster, server, wake)
        answer({"ready": {"url": cluster.url, "server": server.pid}})
        watched = [wake] if order.detached else [wake, sys.stdin.fileno()]
        while server.poll() is None:
            readable, _, _ = select.select(watched, [], [])
            if wake not in readable or told_to_stop(wake):
                break
    finally:
        # A fast shutdown with a checkpoint, or, where the data is thrown away, the immediate one.
        gentle = () if order.temporary else (signal.SIGINT,)
        stop(server, (*gentle, signal.SIGQUIT, signal.SIGKILL))


def _wait_until_ready(cluster: Cluster, server: subprocess.Popen[bytes], wake: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not cluster.is_ready(server.pid):
        # The pid file can only be polled; a signal, the server's end included, ends the wait at once.
        readable, _, _ = select.select([wake], [], [], 0.01)
        stopped = bool(readable) and told_to_stop(wake)
        if stopped or server.poll() is not None or time.monotonic() > deadline:
            raise Failure(
                "The private PostgreSQL did not start.",
                command=" ".join(map(str, server.args)) if isinstance(server.args, list) else "",
                output=tail(cluster.log),
                suggestion="MINISTRIPE_POSTGRES=wheel uses the embedded server, DATABASE_URL one of yours",
            )


def argument(order: Order) -> str:
    return json.dumps(asdict(order))
