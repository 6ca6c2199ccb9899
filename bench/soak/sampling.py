"""What is watched every few seconds: memory and descriptors of each group of processes, and how PostgreSQL stands."""

import contextlib
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.cpu import tree
from bench.stage import Stage

_PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One look."""

    at: float  # time.monotonic()
    memory: Mapping[str, float]  # MiB resident, by group
    descriptors: Mapping[str, int]
    connections: int
    dead: int
    oldest_due: float  # seconds
    waiting: int  # events and deliveries for endpoints that work
    backlog: int  # for all


class Sampler:
    """A thread that looks every so often while its `with` block runs.

    Attributes:
        samples: in order. A look that failed is raised when the block ends.
    """

    def __init__(self, stage: Stage, groups: Mapping[str, int], working: list[str], *, every: float) -> None:
        self.samples: list[Sample] = []
        self._stage = stage
        self._groups = groups
        self._working = working
        self._every = every
        self._stopped = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        if self._failure is not None and kind is None:
            raise self._failure

    def look(self) -> Sample:
        families = {name: tree(pid) for name, pid in self._groups.items()}
        connections, dead, oldest_due, waiting, backlog = self._stage.execute(
            "soak_sample", working=self._working
        )[0]
        return Sample(
            at=time.monotonic(),
            memory={name: sum(map(_resident, pids)) for name, pids in families.items()},
            descriptors={name: sum(map(_descriptors, pids)) for name, pids in families.items()},
            connections=connections,
            dead=dead,
            oldest_due=oldest_due,
            waiting=waiting,
            backlog=backlog,
        )

    def _run(self) -> None:
        try:
            while not self._stopped.wait(self._every):
                self.samples.append(self.look())
        except BaseException as error:
            self._failure = error


def _resident(pid: int) -> float:
    """Of one process; nothing where it has just ended."""
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_MIB
    return 0.0


def _descriptors(pid: int) -> int:
    with contextlib.suppress(OSError):
        return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - one call where iterdir makes a path of each
    return 0
