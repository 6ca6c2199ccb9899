"""The runner's side of the host: start processes, know what becomes of them, strike them."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.processes import PATIENCE, ROOT


class Process:
    """A child of the host.

    Attributes:
        number: names it in the requests that it sends, and in its strikes; never used twice.
        status: how it ended, as `subprocess` tells it; None while it lives.
    """

    def __init__(self, host: "Host", number: int, program: Sequence[str], log: Path) -> None:
        self.number = number
        self.program = program
        self.pid = 0  # until it is started
        self.status: int | None = None
        self.stops = 0  # how often it was seen stopped
        self._host = host
        self.log = log

    def __str__(self) -> str:
        return f"{self.program[-1] if self.program[0] == '-m' else self.program[0]} {self.number}"

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def signal(self, number: signal.Signals) -> None:
        """Nothing happens where it has ended."""
        self._host.signal(self, number)

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        self.signal(signal.SIGKILL)
        self.wait()

    def freeze(self) -> None:
        """SIGSTOP, and wait until it stands still."""
        stops = self.stops
        self.signal(signal.SIGSTOP)
        self._host.until(lambda: self.stops > stops or self.status is not None, what=f"{self} to stop")

    def await_stop(self) -> None:
        """Until it stands still for the first time, by itself."""
        self._host.until(lambda: self.stops or self.status is not None, what=f"{self} to stop")
        assert self.status is None, f"{self} ended: {self.output}"

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    def wait(self) -> int:
        self._host.until(lambda: self.status is not None, what=f"the end of {self}")
        assert self.status is not None
        return self.status

    def says(self, text: str) -> None:
        """Wait until it has written this."""
        self._host.until(
            lambda: text in self.output or self.status is not None, what=f"{text!r} of {self}", looks=True
        )
        assert text in self.output, f"{self} ended without {text!r}: {self.output}"


class Host:
    """A `tests.crash.host` with this environment, in `with`; its processes die with it."""

    def __init__(self, environment: Mapping[str, str], directory: Path) -> None:
        self._environment = dict(environment)
        self._directory = directory
        self._changed = threading.Condition()
        self._processes: dict[int, Process] = {}
        self._ordering = threading.Lock()

    _numbers = 0  # of all hosts

    def __enter__(self) -> Self:
        self._program = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.host"],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._program.stdin is not None
        self._program.stdin.close()
        self._program.wait()
        self._listener.join()

    @property
    def living(self) -> list[Process]:
        with self._changed:
            return [process for process in self._processes.values() if process.status is None]

    def start(self, *program: str, **environment: str) -> Process:
        """Return when it runs; its program may not be ready."""
        with self._ordering:
            Host._numbers += 1
            process = Process(self, Host._numbers, program, self._directory / f"{Host._numbers}.log")
            process.log.touch()
            with self._changed:
                self._processes[process.number] = process
            order = {
                "number": process.number,
                "program": program,
                "environment": environment,
                "output": str(process.log),
            }
            assert self._program.stdin is not None
            self._program.stdin.write(json.dumps(order) + "\n")
            self._program.stdin.flush()
            self.until(lambda: process.pid, what=f"the start of {process}")
        return process

    def signal(self, process: Process, number: signal.Signals) -> None:
        # Its id is given to nobody else before the host has told of its end.
        with self._changed:
            if process.status is None:
                os.kill(process.pid, number)

    def until(self, condition: Callable[[], object], *, what: str, looks: bool = False) -> None:
        """Wait for what the host tells.

        Args:
            looks: the condition depends on something else too: it is tried again every few milliseconds.
        """
        with self._changed:
            if looks:
                for _ in range(int(PATIENCE / 0.02)):
                    if condition():
                        return
                    self._changed.wait(0.02)
            elif self._changed.wait_for(condition, PATIENCE):
                return
        raise AssertionError(f"never came: {what}")

    def _listen(self) -> None:
        assert self._program.stdout is not None
        with self._program.stdout:
            for line in self._program.stdout:
                told = json.loads(line)
                with self._changed:
                    process = self._processes[told["number"]]
                    match told["event"]:
                        case "started":
                            process.pid = told["pid"]
                        case "stopped":
                            process.stops += 1
                        case "ended":
                            process.status = told["status"]
                    self._changed.notify_all()
