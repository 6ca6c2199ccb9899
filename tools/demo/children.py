"""The processes of the demo: each with a log, stopped in the reverse order of their start."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.failures import Failure, tail
from tools.parentage import dies_with_parent

STOP_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Child:
    name: str
    command: Sequence[str]
    log: Path
    process: subprocess.Popen[bytes]


class Children:
    """Start, watch and stop. Every child leads a process group, so that its own children can be ended too."""

    def __init__(self, *, directory: Path, logs: Path, environment: Mapping[str, str]) -> None:
        self._directory = directory
        self._logs = logs
        self._environment = dict(environment)
        self._children: list[Child] = []

    def log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def start(self, name: str, command: Sequence[str], **variables: str) -> None:
        log = self.log(name)
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=self._directory,
                env=self._environment | variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C reaches the demo alone, which then stops these in order.
                start_new_session=True,
                preexec_fn=dies_with_parent(),
            )
        self._children.append(Child(name=name, command=command, log=log, process=process))

    def run(self, name: str, command: Sequence[str]) -> str:
        """Run to the end; what it printed on stdout. Raises Failure on another exit code than 0."""
        log = self.log(name)
        with log.open("wb") as errors:
            process = subprocess.Popen(
                command,
                cwd=self._directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
                preexec_fn=dies_with_parent(),
            )
            try:
                output, _ = process.communicate()
            except BaseException:
                process.terminate()
                process.wait()
                raise
        if process.returncode != 0:
            raise Failure(
                f"{name} ended with exit code {process.returncode}.",
                command=shlex.join(command),
                output=output.decode(errors="replace") + tail(log),
                suggestion="rm -rf .demo, then make demo again; python manage.py check names wrong settings",
            )
        return output.decode()

    def check(self) -> None:
        """Raise Failure if one of them has ended."""
        for child in self._children:
            code = child.process.poll()
            if code is not None:
                raise Failure(
                    f"The {child.name} ended by itself ({_ending(code)}).",
                    command=shlex.join(child.command),
                    output=tail(child.log),
                    suggestion=f"read {child.log}",
                )

    def kill(self, name: str) -> None:
        """SIGKILL to one of them and its children, which is missed no more."""
        child = self._taken(name)
        os.killpg(child.process.pid, signal.SIGKILL)
        child.process.wait()

    def end(self, name: str) -> None:
        """SIGTERM to one of them; it ends in its own time, and is missed no more."""
        child = self._taken(name)
        child.process.terminate()
        child.process.wait(STOP_SECONDS)

    def _taken(self, name: str) -> Child:
        (child,) = (child for child in self._children if child.name == name)
        self._children.remove(child)
        return child

    def stop(self) -> None:
        """SIGTERM one after the other, the last started first; SIGKILL what does not end in time."""
        while self._children:
            child = self._children.pop()
            child.process.terminate()
            try:
                child.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                pass
            finally:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(child.process.pid, signal.SIGKILL)
                child.process.wait()


def _ending(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"by {signal.Signals(-code).name}"
