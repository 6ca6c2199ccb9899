"""What keepers of private servers share: one wait for signals and owners, and how they answer and stop.

A keeper is a process that starts a server, keeps it while its owner lives, and cleans up after it. Its order is JSON
in its first argument, its answer one JSON line on stdout, `{"ready": …}` or `{"failure": …}`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from tools.failures import Failure

STOP_SECONDS = 20.0


def wake_on_signals() -> int:
    """A descriptor that has a byte to read for each signal, so that one select waits for everything."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(signum, lambda *_: None)
    return reader


def told_to_stop(wake: int) -> bool:
    """Whether a signal other than a child's end arrived."""
    return any(signum != signal.SIGCHLD for signum in os.read(wake, 64))


def stop(server: subprocess.Popen[bytes], signals: Sequence[signal.Signals]) -> None:
    """One signal after the other, each with its time, until the server has ended."""
    for signum in signals:
        if server.poll() is not None:
            return
        server.send_signal(signum)
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue


def answer_failure(failure: Failure) -> None:
    answer({"failure": [failure.sentence, failure.command, failure.output, failure.suggestion]})


def answer(text: dict[str, object]) -> None:
    try:
        sys.stdout.write(json.dumps(text) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # The owner is gone; the closed stdin says the same next.
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
