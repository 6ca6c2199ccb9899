"""Programs of the bench: started on its own ground, measured in CPU seconds, ended by their id."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.cpu import tree_seconds
from tools.failures import Failure, tail
from tools.parentage import dies_with_parent

ROOT = Path(__file__).parent.parent
PATIENCE = 300.0  # seconds until a program that should end is taken for hung
STOP_SECONDS = 20.0


class Program:
    """One process, the leader of its group."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        log: Path,
        output: Path | None = None,
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log = log
        self.code: int | None = None
        self._used = 0.0
        with log.open("wb") as errors, (output or Path(os.devnull)).open("wb") as written:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=errors,
                # Ctrl-C reaches the bench alone, which then ends these.
                start_new_session=True,
                preexec_fn=dies_with_parent(signal.SIGKILL),
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def cpu_seconds(self) -> float:
        """Used so far, its children's included."""
        return self._used if self._reap() else tree_seconds(self.pid)

    @property
    def has_ended(self) -> bool:
        return self._reap()

    def wait(self, seconds: float = PATIENCE) -> None:
        """Until it has ended well. Raises Failure where it does not, or not in time."""
        deadline = time.monotonic() + seconds
        while not self._reap():
            if time.monotonic() > deadline:
                raise self._failure(f"{self.name} did not end within {seconds:g} s.")
            time.sleep(0.005)
        if self.code:
            raise self._failure(f"{self.name} ended with {self.code}.")

    def wait_until_it_says(self, words: str, seconds: float = 60.0) -> None:
        """Until its log holds the words. Raises Failure where it ends before, or takes too long."""
        deadline = time.monotonic() + seconds
        while words not in self.log.read_text(errors="replace"):
            self.check()
            if time.monotonic() > deadline:
                raise self._failure(f"{self.name} never said {words!r}.")
            time.sleep(0.01)

    def check(self) -> None:
        """Raise Failure where it has ended by itself."""
        if self._reap():
            raise self._failure(f"{self.name} ended by itself, with {self.code}.")

    def stop(self) -> None:
        """SIGTERM, and SIGKILL for what is left of its group after a while."""
        self._end(signal.SIGTERM, STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._end(signal.SIGKILL, STOP_SECONDS)

    def _end(self, number: int, seconds: float) -> None:
        if self._reap():
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
        deadline = time.monotonic() + seconds
        while not self._reap() and time.monotonic() < deadline:
            time.sleep(0.005)

    def _reap(self) -> bool:
        if self.code is not None:
            return True
        pid, status, usage = os.wait4(self.pid, os.WNOHANG)
        if pid == 0:
            return False
        self.code = self._process.returncode = os.waitstatus_to_exitcode(status)
        self._used = usage.ru_utime + usage.ru_stime
        return True

    def _failure(self, sentence: str) -> Failure:
        return Failure(sentence, command=" ".join(self.command), output=tail(self.log))


class Programs:
    """Starts programs; all that still run are ended, the last started first, when the block ends."""

    def __init__(self, environment: Mapping[str, str], logs: Path) -> None:
        self.environment = dict(environment)
        self._logs = logs
        self._running: list[Program] = []

    def __enter__(self) -> Programs:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        while self._running:
            self._running.pop().stop()

    def start(
        self,
        name: str,
        *arguments: str,
        program: str = sys.executable,
        output: Path | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> Program:
        """A program in the checkout's root; `output` gets what it prints, `variables` are its environment's."""
        log = self._logs / f"{name.replace(' ', '-').replace('/', '-')}.log"
        started = Program(
            name,
            [program, *arguments],
            environment={**self.environment, **(variables or {})},
            log=log,
            output=output,
        )
        self._running.append(started)
        return started


@contextlib.contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM unwinds the blocks as Ctrl-C does, so that nothing is left running."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
