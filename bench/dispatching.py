"""A dispatcher that runs while something is measured, and an API client's or recorder's work beside it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.processes import Program
from bench.stage import Stage
from tools.failures import Failure

DISPATCHER = ("manage.py", "run_dispatcher")
_PATIENCE = 120.0


@contextmanager
def dispatching(stage: Stage, name: str = "dispatcher", *flags: str, **variables: str) -> Iterator[Program]:
    """A dispatcher that is ready. It is killed at the end: what hangs in flight would make it wait."""
    program = stage.start(name, *DISPATCHER, *flags, variables=variables)
    try:
        program.wait_until_it_says("dispatcher ready")
        yield program
        program.check()
    finally:
        program.kill()


@dataclass(frozen=True, slots=True)
class Recorder:
    """bench.record_events under way, and where it writes the commits."""

    program: Program
    log: Path

    def finish(self) -> Path:
        self.program.wait()
        return self.log


def record(
    stage: Stage, count: int, *, rate: float, endpoints: int, notify: bool = True, **options: Any
) -> Recorder:
    """Start recording; options are those of the program."""
    log = stage.place / f"commits-{time.monotonic_ns()}"
    more = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    program = stage.start(
        f"recorder {log.name}", "-m", "bench.record_events", str(count), "--rate", str(rate),
        "--endpoints", str(endpoints), "--log", str(log), *more,
        variables={"OUTBOX_NOTIFY": str(notify).lower()},
    )  # fmt: skip
    return Recorder(program, log)


def backlog_of(stage: Stage) -> int:
    """Events not yet fanned out and deliveries not yet ended."""
    return int(stage.execute("standing")[0][0])


def wait_until_drained(stage: Stage, *, remaining: int = 0, seconds: float = _PATIENCE) -> float:
    """Until no more than `remaining` are left; the seconds it took. Raises Failure where it takes too long."""
    began = time.monotonic()
    while (left := backlog_of(stage)) > remaining:
        if time.monotonic() - began > seconds:
            raise Failure(f"{left} deliveries were still waiting after {seconds:g} s.")
        time.sleep(0.05)
    return time.monotonic() - began
