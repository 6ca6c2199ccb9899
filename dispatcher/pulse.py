"""The pulse of a process: what it writes about itself between two cycles, every few seconds.

That it lives (dispatcher/processes.py), and the sums that charts are drawn from (dispatcher/tallies.py). Neither may
ever hold up a delivery: what cannot be written is told of and left.
"""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from django.db import Error

from dispatcher.connection import is_transient, passes
from dispatcher.processes import BEAT_INTERVAL, ProcessFacts, beat, tell_of_the_end
from dispatcher.tallies import Tallies
from outbox.database import connection_is_lost


class PulseLog(Protocol):
    """Where it is told what could not be written, and where the last trouble of the process is known."""

    @property
    def last_error(self) -> tuple[datetime, str] | None: ...

    def poisoned(self, part: str, error: Exception, subject: str) -> None: ...


class Pulse:
    """For one thread, the database thread, while no transaction is open.

    Args:
        in_flight: how many sends are under way.
        leases: how many claims the process holds.
    """

    def __init__(
        self,
        *,
        facts: ProcessFacts,
        tallies: Tallies,
        log: PulseLog,
        in_flight: Callable[[], int],
        leases: Callable[[], int],
    ) -> None:
        self._facts = facts
        self._tallies = tallies
        self._log = log
        self._in_flight = in_flight
        self._leases = leases
        self._beat_due = 0.0  # by time.monotonic()
        self._stopping = False

    @property
    def due(self) -> bool:
        return time.monotonic() >= self._beat_due or self._tallies.due

    def write(self) -> None:
        """What is due.

        Raises:
            django.db.Error: the connection is lost; the same is to be written when there is another.
        """
        if time.monotonic() >= self._beat_due:
            self._try("tell of", self._beat, "this process")
        if self._tallies.due:
            self._write_sums()

    def write_on_the_way_down(self) -> None:
        """What is due, and at once that the process is stopping; no outage is waited out for it."""
        if not self._stopping:
            self._stopping = True
            self._beat_due = 0.0
        try:
            self.write()
        except Error as error:
            if not passes(error):
                raise

    def end(self) -> None:
        """All that is left, and that the process ends as it should; no outage is waited out for the sake of a chart."""
        try:
            self._write_sums()
            self._try("tell of", lambda: tell_of_the_end(self._facts), "the end of this process")
        except Error as error:
            if not passes(error):
                raise

    def _beat(self) -> None:
        self._beat_due = time.monotonic() + BEAT_INTERVAL.total_seconds()
        beat(
            self._facts,
            in_flight=self._in_flight(),
            leases=self._leases(),
            stopping=self._stopping,
            last_error=self._log.last_error,
        )

    def _write_sums(self) -> None:
        self._try("add to", self._tallies.write, "the rollups")

    def _try(self, part: str, work: Callable[[], None], subject: str) -> None:
        try:
            work()
        except Error as error:
            if connection_is_lost(error):
                raise
            self._log.poisoned(part, error, subject)
            if not is_transient(error):
                self._tallies.forget()
