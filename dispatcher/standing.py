"""How it stands in the database: what metrics show beside what a process counted itself."""

import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.db import Error

from dispatcher.connection import connect, disconnect
from outbox.database import fetch_all
from outbox.partitions import STRAYS_COUNTED, partitioned_tables
from outbox.sql import statements

# No state of the backlog is counted further: what matters above is that it does not shrink.
COUNTED = 100_000
# A reading is shown for so long, or for a hundred times as long as it took, up to half a minute: however often
# it is asked for, it takes a hundredth of one connection's time, and a little more only where it takes long.
FRESH_FOR = timedelta(seconds=2)
FRESH_AT_MOST = timedelta(seconds=30)
SHARE = 0.01
# Whoever asks waits no longer for a database that does not answer, and neither does the database try.
PATIENCE = timedelta(seconds=2)
_SQL = statements("dispatcher.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The database at one moment; the same whichever process asks."""

    events_recorded: int  # so far, since the tables were made
    pending_fan_out: int
    due: int
    scheduled: int
    leased: int
    leases: int  # by the lanes' own count
    oldest_permitted: float  # seconds since the oldest delivery was due that a dispatcher may claim now
    oldest_due: float  # the same, of those that wait for a hold or for room as well
    circuits_open: int
    circuits_half_open: int
    paused: bool
    strays: Mapping[str, int]  # rows of default partitions, by table


def read_standing(*, counted: int = COUNTED) -> Standing:
    """One statement, whose cost `counted` bounds. Joins the open transaction, where there is one."""
    tables = [table.name for table in partitioned_tables()]
    (row,) = fetch_all(
        _SQL["standing"],
        {"most": counted, "tables": tables, "least": uuid.UUID(int=0), "most_strays": STRAYS_COUNTED},
    )
    (
        recorded,
        pending,
        due,
        scheduled,
        leased,
        leases,
        permitted,
        oldest,
        opened,
        half_open,
        pauses,
        strays,
    ) = row
    return Standing(
        events_recorded=recorded,
        pending_fan_out=pending,
        due=due,
        scheduled=scheduled,
        leased=leased,
        leases=leases,
        oldest_permitted=permitted,
        oldest_due=oldest,
        circuits_open=opened,
        circuits_half_open=half_open,
        paused=pauses > 0,
        strays=dict(zip(tables, strays, strict=True)),
    )


class Lookout(threading.Thread):
    """Reads the standing when asked, in a thread and on a connection of its own.

    So whoever asks is never held up by a database that hangs, and the dispatcher's connection does nothing
    but dispatch.
    """

    def __init__(self) -> None:
        super().__init__(name="lookout", daemon=True)
        self._changed = threading.Condition()
        self._asked = False
        self._stopped = False
        self._stale_at = 0.0
        self._latest: Standing | None = None

    def standing(self) -> Standing | None:
        """A reading that is a few seconds old at most; None where the database did not give one."""
        with self._changed:
            if time.monotonic() >= self._stale_at:
                self._asked = True
                self._changed.notify_all()
            answered = self._changed.wait_for(lambda: not self._asked, PATIENCE.total_seconds())
            return self._latest if answered else None

    def stop(self) -> None:
        """End when the reading under way, if there is one, has ended."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def run(self) -> None:
        try:
            while self._wait_until_asked():
                self._read()
        finally:
            disconnect()

    def _wait_until_asked(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._asked or self._stopped)
            return not self._stopped

    def _read(self) -> None:
        begun = time.monotonic()
        reading: Standing | None = None
        try:
            connect()
            fetch_all(_SQL["prepare_lookout"], {"milliseconds": PATIENCE // timedelta(milliseconds=1)})
            reading = read_standing()
        except Error:
            disconnect()
        ended = time.monotonic()
        with self._changed:
            self._latest = reading
            self._stale_at = ended + min(
                FRESH_AT_MOST.total_seconds(), max(FRESH_FOR.total_seconds(), (ended - begun) / SHARE)
            )
            self._asked = False
            self._changed.notify_all()
