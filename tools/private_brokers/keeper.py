"""The process that starts a private broker, keeps it while its owner lives, and cleans up after it.

`main()` reads its Order as JSON from its first argument and answers one JSON line on stdout, `{"ready": …}` or
`{"failure": …}`. SIGTERM stops the server and leaves its directory; when stdin closes, the owner is gone, and
the directory goes too.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.failures import Failure, tail
from tools.keeping import answer, answer_failure, stop, told_to_stop, wake_on_signals
from tools.parentage import dies_with_parent

START_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Order:
    home: str
    commands: list[list[str]]  # the server is the last one; those before it are its helpers
    environment: dict[str, str]
    port: int  # of 127.0.0.1; the server is ready when it accepts there


def main() -> int:
    order = Order(**json.loads(sys.argv[1]))
    wake = wake_on_signals()
    children: list[subprocess.Popen[bytes]] = []
    try:
        children += [_start(command, order) for command in order.commands]
        _wait_until_ready(order, children, wake)
        answer({"ready": children[-1].pid})
        orphaned = _wait_for_the_end(children, wake)
    except (Failure, OSError) as error:
        failure = (
            error if isinstance(error, Failure) else Failure(f"The private broker did not start: {error}.")
        )
        answer_failure(failure)
        return 1
    finally:
        for child in reversed(children):
            stop(child, (signal.SIGTERM, signal.SIGKILL))
    if orphaned:
        shutil.rmtree(order.home, ignore_errors=True)
    return 0


def log_of(home: Path) -> Path:
    return home / "server.log"


def argument(order: Order) -> str:
    return json.dumps(asdict(order))


def _start(command: list[str], order: Order) -> subprocess.Popen[bytes]:
    with log_of(Path(order.home)).open("ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=order.home,
            env=os.environ | order.environment,
            # A group of its own: Ctrl-C is for the owner, which stops the server last.
            start_new_session=True,
            preexec_fn=dies_with_parent(signal.SIGKILL),
        )


def _wait_until_ready(order: Order, children: list[subprocess.Popen[bytes]], wake: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _accepts(order.port):
        # Ports can only be tried; a signal, a child's end included, ends the wait at once.
        readable, _, _ = select.select([wake], [], [], 0.05)
        told = bool(readable) and told_to_stop(wake)
        if told or any(child.poll() is not None for child in children) or time.monotonic() > deadline:
            raise Failure(
                "The private broker did not start.",
                command=" ".join(order.commands[-1]),
                output=tail(log_of(Path(order.home))),
            )


def _accepts(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def _wait_for_the_end(children: list[subprocess.Popen[bytes]], wake: int) -> bool:
    """Whether it was the owner's end, rather than its word or the server's end."""
    while all(child.poll() is None for child in children):
        readable, _, _ = select.select([wake, sys.stdin.fileno()], [], [])
        if wake not in readable:
            return True
        if told_to_stop(wake):
            return False
    return False
