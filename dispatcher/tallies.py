"""Tallies: what a process counts for charts, and how it comes into the rollups.

The database thread adds up what each cycle recorded, by endpoint and minute, and writes the sums every second or so,
in a transaction of its own: no cycle gets longer, and no lock of a cycle is held for a chart. A process that is
killed takes what it had not written yet with it, a second's worth; history has it all the same.
"""

import json
import time
import uuid
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import transaction

from dispatcher.claims import ClaimedEndpoint
from dispatcher.config import dispatcher_settings
from dispatcher.cycles import Cycle
from dispatcher.recording import Recorded
from dispatcher.retry import Retry
from outbox.database import execute, fetch_all
from outbox.sql import prepared, statements

# Upper bounds in milliseconds, inclusive; the last bucket of a histogram has none.
DURATION_BOUNDS = (5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 2_500.0, 5_000.0, 15_000.0)
WAIT_BOUNDS = (5.0, 10.0, 25.0, 50.0, 100.0, 500.0, 1_000.0, 5_000.0, 30_000.0, 300_000.0, 3_600_000.0)
# Sums are written once in so long, or in a hundred times as long as writing them takes: with a thousand endpoints,
# too, it takes a hundredth of the database thread's time.
INTERVAL = 1.0
INTERVAL_AT_MOST = 15.0
_SHARE = 0.01
_SECONDS_EACH = 1e-4  # what the sums of one endpoint and minute are taken to take, until some were written
# What another process holds it holds for milliseconds, unless it stands still: then charts wait, not deliveries.
_PATIENCE_MS = 100
# Minutes are for looking closely at what happened lately; hours are kept for the whole retention.
MINUTES_KEPT = timedelta(days=7)
_EXPIRY_INTERVAL = 60.0
_EXPIRED_AT_LEAST = 1_000
_SQL = statements("dispatcher.sql")
_SCOPES = ("endpoint", "owner", "all")


@dataclass(slots=True)
class Tally:
    """The sums of one endpoint and minute; of none in particular where it is not known which."""

    succeeded: int = 0
    failed: int = 0
    delivered: int = 0
    dead_lettered: int = 0
    cancelled: int = 0
    skipped: int = 0
    total_ms: float = 0.0
    codes: Counter[str] = field(default_factory=Counter)
    durations: list[int] = field(default_factory=lambda: [0] * (len(DURATION_BOUNDS) + 1))
    waits: list[int] = field(default_factory=lambda: [0] * (len(WAIT_BOUNDS) + 1))

    def row(self, endpoint: int | None, minute: int) -> dict[str, Any]:
        return {
            "endpoint_id": None if endpoint is None else uuid.UUID(int=endpoint).hex,
            "minute": minute,
            "succeeded": self.succeeded,
            "failed": self.failed,
            "delivered": self.delivered,
            "dead_lettered": self.dead_lettered,
            "cancelled": self.cancelled,
            "skipped": self.skipped,
            "total_ms": self.total_ms,
            "codes": self.codes,
            "durations": self.durations,
            "waits": self.waits,
        }


class Tallies:
    """An observer that remembers sums until they are written. For one thread, the database thread.

    Args:
        kept: whether there are to be any.
    """

    def __init__(self, *, kept: bool = True) -> None:
        self._kept = kept
        # By minute and by the integer of an endpoint's id, which is found several times as fast as a UUID.
        self._minutes: dict[int, dict[int | None, Tally]] = {}
        self._seconds_each = _SECONDS_EACH
        self._written_at = time.monotonic()
        self._refused_until = 0.0  # by time.monotonic()
        self._expiry_due = 0.0
        self._written = 0  # rows since the last expiry

    def watch_sends(self, in_flight: Callable[[], int]) -> None: ...

    def cycled(self, cycle: Cycle) -> None:
        if not self._kept:
            return
        if cycle.recorded:
            self._add(cycle.recorded)
        if cycle.ended:
            # Of no attempt, so of no moment but this one; the hour of two clocks that disagree may be the next.
            tally = self._tally(self._minutes.setdefault(int(time.time() // 60), {}), None)
            tally.cancelled += cycle.ended["cancelled"]
            tally.skipped += cycle.ended["skipped"]

    @property
    def due(self) -> bool:
        """Whether it is time to write, or to delete what is past its retention."""
        now = time.monotonic()
        if now < self._refused_until:
            return False
        waiting = sum(map(len, self._minutes.values()))
        patience = min(INTERVAL_AT_MOST, max(INTERVAL, waiting * self._seconds_each / _SHARE))
        return (waiting > 0 and now >= self._written_at + patience) or now >= self._expiry_due

    def write(self) -> None:
        """Add the sums to the rollups; a transaction of its own, that need not be flushed.

        Sums stay where it fails. Rows are locked in order of their key, after everything else that a process locks.
        """
        begun = time.monotonic()
        # A moment that fails is not tried again at once.
        self._refused_until = begun + INTERVAL_AT_MOST / 3
        if self._minutes:
            rows = [
                tally.row(endpoint, minute)
                for minute, tallies in self._minutes.items()
                for endpoint, tally in tallies.items()
            ]
            with transaction.atomic(durable=True, savepoint=False):
                fetch_all(_SQL["prepare_rollups"], {"milliseconds": _PATIENCE_MS})
                # Planning it takes longer than running it.
                self._written += execute(
                    prepared("dispatcher.sql", "add_to_rollups"), {"tallies": json.dumps(rows)}
                )
            self._written_at = time.monotonic()
            self._seconds_each = (self._written_at - begun) / len(rows)
            self.forget()
        self._refused_until = 0.0
        if begun >= self._expiry_due:
            self._expiry_due = begun + _EXPIRY_INTERVAL
            expire_rollups(limit=max(_EXPIRED_AT_LEAST, 2 * self._written))
            self._written = 0

    def forget(self) -> None:
        """Drop the sums: they are written, or cannot be."""
        self._minutes.clear()

    @staticmethod
    def _tally(minute: dict[int | None, Tally], endpoint: int | None) -> Tally:
        tally = minute.get(endpoint)
        if tally is None:
            tally = minute[endpoint] = Tally()
        return tally

    def _add(self, recorded: Sequence[Recorded]) -> None:
        # Written for speed: it runs for every delivery, and most of a batch go to the same few endpoints.
        minute: dict[int | None, Tally] = {}
        begins = ends = 0.0  # of the minute, as Unix times
        latest: ClaimedEndpoint | None = None
        tally = Tally()
        for (claim, started, outcome, decision), superseded, _ in recorded:
            if not begins <= started < ends:
                begins = started - started % 60
                ends = begins + 60
                minute = self._minutes.setdefault(int(begins) // 60, {})
                latest = None
            if claim.endpoint is not latest:
                latest = claim.endpoint
                tally = self._tally(minute, latest.id.int)
            if outcome.succeeded:
                tally.succeeded += 1
                if not superseded:
                    tally.delivered += 1
            else:
                tally.failed += 1
                if outcome.failure_code is not None:
                    tally.codes[outcome.failure_code.value] += 1
                if not superseded and type(decision) is not Retry:
                    tally.dead_lettered += 1
            duration = outcome.timings.total_ms
            if duration is not None:
                tally.total_ms += duration
                tally.durations[bisect_left(DURATION_BOUNDS, duration)] += 1
            if claim.attempt_number == 1 and not claim.by_hand:
                # The first 48 bits of an event's id are its moment in milliseconds.
                tally.waits[bisect_left(WAIT_BOUNDS, 1000 * started - (claim.event_id.int >> 80))] += 1


def expire_rollups(*, limit: int) -> int:
    """Delete up to `limit` rows of each kind that are past their retention; a transaction of its own."""
    retention = dispatcher_settings().rollup_retention
    deleted = 0
    for scope in _SCOPES:
        for seconds, kept in ((60, min(MINUTES_KEPT, retention)), (3600, retention)):
            deleted += execute(
                _SQL["expire_rollups"], {"scope": scope, "seconds": seconds, "kept": kept, "limit": limit}
            )
    return deleted
