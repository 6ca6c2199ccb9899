"""Which dispatcher and worker processes there are: each tells of itself every few seconds."""

import os
import socket
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from importlib import metadata
from typing import Literal

from outbox.database import execute, fetch_all
from outbox.sql import statements

BEAT_INTERVAL = timedelta(seconds=5)
# Three beats missed: a commit that waited, or a machine that is short of time, misses one or two.
LATE_AFTER = 3 * BEAT_INTERVAL
# Longer than a lease: by then whatever it held is with others.
GONE_AFTER = timedelta(minutes=1)
# What ended so long ago nobody asks for any more.
KEPT = timedelta(days=7)
SHOWN = 500
_DISTRIBUTION = "ministripe-outbox"
_SQL = statements("dispatcher.sql")


class Liveness(StrEnum):
    ALIVE = "alive"
    STOPPING = "stopping"  # it was asked to stop: it claims nothing more, and what is in flight ends
    LATE = "late"  # it should have told of itself: it hangs, or its database does
    GONE = "gone"  # it ended without saying so; what it held is claimed again when its leases end
    STOPPED = "stopped"  # it ended as it should


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFacts:
    """What a process is, for as long as it runs."""

    id: uuid.UUID  # its lease owner
    kind: Literal["dispatcher", "worker"]
    executor: str
    concurrency: int
    host: str
    pid: int
    version: str

    @classmethod
    def of_this_process(
        cls, *, id: uuid.UUID, kind: Literal["dispatcher", "worker"], executor: str, concurrency: int
    ) -> "ProcessFacts":
        return cls(
            id=id,
            kind=kind,
            executor=executor,
            concurrency=concurrency,
            host=socket.gethostname(),
            pid=os.getpid(),
            version=_version(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownProcess:
    """A process as it last told of itself."""

    id: uuid.UUID
    kind: str  # dispatcher, worker
    host: str
    pid: int
    version: str
    executor: str  # local, dramatiq
    concurrency: int
    started_at: datetime
    seen_at: datetime
    seen_ago: timedelta  # by the database's clock
    in_flight: int  # sends under way
    leases: int  # deliveries that it holds, those in flight included
    stopping: bool  # it was asked to stop
    stopped_at: datetime | None
    last_error: str | None
    last_error_at: datetime | None
    liveness: Liveness


def known_processes(*, limit: int = SHOWN) -> Sequence[KnownProcess]:
    """Those that told of themselves within a week, the last seen first; at most `limit`. One statement."""
    rows = fetch_all(_SQL["known_processes"], {"limit": limit})
    return [_known(*row) for row in rows]


def beat(
    facts: ProcessFacts,
    *,
    in_flight: int,
    leases: int,
    stopping: bool = False,
    last_error: tuple[datetime, str] | None = None,
) -> None:
    """Tell that a process lives; one statement, which commits by itself where no transaction is open."""
    error_at, error = last_error or (None, None)
    execute(
        _SQL["beat"],
        {
            "id": facts.id,
            "kind": facts.kind,
            "host": facts.host,
            "pid": facts.pid,
            "version": facts.version,
            "executor": facts.executor,
            "concurrency": facts.concurrency,
            "in_flight": in_flight,
            "leases": leases,
            "stopping": stopping,
            "last_error": error,
            "last_error_at": error_at,
        },
    )


def tell_of_the_end(facts: ProcessFacts) -> None:
    """The process ends as it should, and those that did so long ago are forgotten. As `beat`."""
    execute(_SQL["stop_process"], {"id": facts.id})
    execute(_SQL["forget_processes"], {"kept": KEPT})


def _known(*row: object) -> KnownProcess:
    # In the order of the statement's columns, which is that of the fields; the last one is told here.
    names = KnownProcess.__dataclass_fields__
    values = dict(zip(names, row, strict=False))
    seen_ago, stopped_at = values["seen_ago"], values["stopped_at"]
    assert isinstance(seen_ago, timedelta)
    alive = liveness(seen_ago=seen_ago, stopping=bool(values["stopping"]), stopped=stopped_at is not None)
    return KnownProcess(**values, liveness=alive)  # type: ignore[arg-type]


def liveness(*, seen_ago: timedelta, stopping: bool = False, stopped: bool) -> Liveness:
    if stopped:
        return Liveness.STOPPED
    if seen_ago <= LATE_AFTER:
        return Liveness.STOPPING if stopping else Liveness.ALIVE
    return Liveness.LATE if seen_ago <= GONE_AFTER else Liveness.GONE


def _version() -> str:
    try:
        return metadata.version(_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "from source"
