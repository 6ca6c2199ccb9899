"""Real processes of the product, for tests: started on the test's own database, watched, ended by id."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from django.db import connection

ROOT = Path(__file__).parent.parent
PATIENCE = 60.0  # seconds until something that should happen at once is taken for hung


def worker_database_url() -> str:
    """The database of this test worker, as other processes reach it."""
    url = urlsplit(os.environ["DATABASE_URL"])
    return url._replace(path=f"/{connection.settings_dict['NAME']}").geturl()


def command_environment(**extra: str) -> dict[str, str]:
    """Loopback receivers over plain http are allowed; attempts end soon."""
    return {
        **os.environ,
        "DATABASE_URL": worker_database_url(),
        "WEBHOOK_ALLOW_HTTP": "true",
        "WEBHOOK_ALLOW_ADDRESSES": "127.0.0.0/8",
        "WEBHOOK_EXTRA_PORTS": "any",
        "PYTHONUNBUFFERED": "1",
        **extra,
    }


class Command:
    """`manage.py …` as a process; its output is read as it comes.

    It leads a process group, which is killed at the end of the `with` block: workers do not outlive it.

    Args:
        program: run instead of manage.py, with all its arguments.
        directory: to run it in.
        whole_environment: instead of this process's own, `environment` and the settings for tests.
    """

    def __init__(
        self,
        *arguments: str,
        program: list[str] | None = None,
        directory: Path = ROOT,
        whole_environment: dict[str, str] | None = None,
        **environment: str,
    ) -> None:
        self.stdout: list[str] = []
        self.stderr: list[str] = []
        self._arguments = program or [sys.executable, "-W", "error", "manage.py", *arguments]
        self._directory = directory
        self._environment = whole_environment or command_environment(**environment)
        self._news: queue.SimpleQueue[None] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            self._arguments,
            cwd=self._directory,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._readers = [
            threading.Thread(target=self._read, args=(self.process.stdout, self.stdout)),
            threading.Thread(target=self._read, args=(self.process.stderr, self.stderr)),
        ]
        for reader in self._readers:
            reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self.wait()

    def kill(self) -> None:
        """SIGKILL, its children too; stopped processes die as well."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        """The exit code, with all output read."""
        code = self.process.wait(timeout=PATIENCE)
        for reader in self._readers:
            reader.join()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        return code

    def says(self, text: str) -> None:
        """Wait until it has written `text` to either stream."""
        deadline = time.monotonic() + PATIENCE
        while not any(text in line for line in [*self.stdout, *self.stderr]):
            if self.process.poll() is not None and not any(r.is_alive() for r in self._readers):
                raise AssertionError(f"ended without {text!r}:\n{self.output()}")
            try:
                self._news.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"never said {text!r}:\n{self.output()}") from None

    def output(self) -> str:
        return "".join([*self.stdout, *self.stderr])

    def _read(self, stream: object, lines: list[str]) -> None:
        for line in stream:  # type: ignore[attr-defined]
            lines.append(line)
            self._news.put(None)
        self._news.put(None)


def until(condition: Callable[[], object], *, what: str) -> None:
    """Wait for something that another process or thread brings about."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"never came: {what}")
        time.sleep(0.01)
