"""`manage.py webhooks …`: as a real process, or within this one where many cases are tried."""

import io
import json
import os
import pty
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from django.core.management import call_command

from tests.processes import PATIENCE, ROOT, command_environment


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that came to its end."""

    code: int
    data: str  # standard output
    talk: str  # standard error

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.data.splitlines()]

    @property
    def record(self) -> dict[str, Any]:
        (record,) = self.records
        return record


def webhooks(*arguments: str, stdin: bytes = b"", **environment: str) -> Ended:
    """A real process, whose output is no terminal."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "manage.py", "webhooks", *arguments],
        cwd=ROOT,
        env=command_environment(**environment),
        input=stdin,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


def on_a_terminal(*arguments: str, **environment: str) -> Ended:
    """A real process on a terminal of 120 columns; what it says is in `data` too."""
    leader, follower = pty.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "manage.py", "webhooks", *arguments],
            cwd=ROOT,
            env=command_environment(TERM="xterm-256color", COLUMNS="120", **environment),
            stdin=follower,
            stdout=follower,
            stderr=follower,
        )
    finally:
        os.close(follower)
    shown = b""
    with open(leader, "rb", buffering=0) as terminal:  # noqa: PTH123 - a descriptor, no path
        while True:
            try:
                read = terminal.read(65536)
            except OSError:  # Linux says so when the last writer has closed it
                break
            if not read:
                break
            shown += read
    return Ended(process.wait(timeout=PATIENCE), shown.decode(), "")


def within(*arguments: str) -> Ended:
    """In this process, on this thread's connection."""
    data, talk = io.StringIO(), io.StringIO()
    code = 0
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        call_command("webhooks", *arguments, stdout=data, stderr=talk)
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        # Some wait for a signal, and this process outlives them.
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return Ended(code, data.getvalue(), talk.getvalue())
