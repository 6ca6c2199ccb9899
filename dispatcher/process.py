"""A dispatcher process: the database thread's loop beside the send thread.

1. Take what the sender finished.
2. In one transaction record it, fan out new events and claim what there is room for.
3. Hand the claims to the sender; wait until it has results, or until the next poll.

Polling is what makes it correct. The first SIGTERM or SIGINT drains: nothing more is claimed, what is in
flight ends and is recorded. A second one stops at once: what was in flight is claimable when its lease ends.
"""

import signal
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from types import FrameType
from typing import TypeVar

from django.db import Error

from dispatcher.attempt_log import AttemptLog
from dispatcher.config import DispatcherSettings
from dispatcher.connection import connect, connection_is_lost, disconnect, surviving_outages
from dispatcher.crash_points import reach
from dispatcher.cycles import Cycle, CycleRunner
from dispatcher.delivery import DeliveryPlan
from dispatcher.disabling import disable_endpoints
from dispatcher.recording import Attempted, Recorded
from dispatcher.retry import Gone
from dispatcher.sender import Sender
from dispatcher.transport import CurlAdapter
from outbox.database import fetch_all
from outbox.partitions import maintain_partitions
from outbox.sql import statements

MAINTENANCE_INTERVAL = timedelta(hours=1)
_LONGEST_WAIT = 0.25  # seconds within which a signal is noticed
_SQL = statements("dispatcher.sql")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How one process runs; the command's flags."""

    concurrency: int  # sends at once
    batch: int  # deliveries claimed by one cycle at most
    lease: timedelta
    poll_interval: timedelta  # between looks at the database while nothing happens
    drain: bool = False  # end when nothing is due, leased or waiting to be fanned out
    once: bool = False  # end after one cycle and its sends


class Stopped(Exception):
    """A second signal asked to stop without waiting."""


class DispatcherProcess:
    """Runs until stopped, or as `drain` and `once` say. `run()` gives the exit code."""

    def __init__(self, *, options: RunOptions, settings: DispatcherSettings, log: AttemptLog) -> None:
        self._options = options
        self._settings = settings
        self._log = log
        self._signals = 0
        self._maintenance_due = 0.0  # by time.monotonic()
        self._unrecorded: list[Attempted] = []  # results that met a lock; the next cycle tries again
        self._gone: set[uuid.UUID] = set()  # endpoints to be disabled
        self._failing: set[uuid.UUID] = set()  # endpoints to be warned of or disabled
        self._adapter = CurlAdapter(
            address_policy=settings.address_policy,
            url_rules=settings.url_rules,
            total_timeout=settings.attempt_timeout.total_seconds(),
            connect_timeout=settings.connect_timeout.total_seconds(),
            slots=options.concurrency,
            ca_bundle=settings.ca_bundle,
        )
        plan = DeliveryPlan(
            renderer=settings.renderer, retry_policy=settings.retry_policy, user_agent=settings.user_agent
        )
        self._sender = Sender(self._adapter, plan, attempt_timeout=settings.attempt_timeout)
        self._cycles = CycleRunner(lease_owner=uuid.uuid4(), lease=options.lease, log=log)

    def run(self) -> int:
        """0 when drained or done, 1 when stopped at once.

        Raises:
            django.db.Error: the database cannot be reached at the start, or is not migrated.
        """
        try:
            connect()
        except Error:
            self._adapter.close()
            raise
        self._log.tell(
            f"dispatcher ready: {self._options.concurrency} slots, "
            f"lease {self._options.lease.total_seconds():g} s; Ctrl-C drains"
        )
        previous = {
            number: signal.signal(number, self._on_signal) for number in (signal.SIGTERM, signal.SIGINT)
        }
        self._sender.start()
        try:
            try:
                self._dispatch()
            except Error as error:
                if not (self._signals and connection_is_lost(error)):
                    raise
            self._finish()
        except Stopped:
            self._log.tell(
                f"stopped with {self._sender.in_flight} in flight; each is claimed again when its lease ends"
            )
            return 1
        finally:
            disconnect()
            for number, handler in previous.items():
                signal.signal(number, handler)
        return 0

    def _dispatch(self) -> None:
        idle = False
        while not self._signals:
            self._maintain()
            if idle and self._sender.outstanding == 0 and not self._ask(_SQL["work_is_waiting"]):
                if self._options.drain and not self._ask(_SQL["backlog"]):
                    return
                self._wait(None)
                continue
            cycle = self._cycle(self._room())
            if self._options.once:
                return
            idle = cycle.idle
            self._wait(cycle)

    def _maintain(self) -> None:
        """Make and drop partitions, once an hour; whichever dispatcher comes first does it."""
        if time.monotonic() < self._maintenance_due:
            return
        self._maintenance_due = time.monotonic() + MAINTENANCE_INTERVAL.total_seconds()
        done = self._reach_database(maintain_partitions)
        for partition, reason in done.failed:
            self._log.tell(f"partition {partition} has to wait for the next hour: {reason}")

    def _finish(self) -> None:
        """Give back what was not begun, let what is in flight end, record all of it."""
        if self._options.once and not self._signals:
            while self._sender.outstanding and not self._signals:
                self._wait(None)
                self._cycle(0)
        if self._signals and self._sender.in_flight:
            longest = self._settings.attempt_timeout.total_seconds()
            self._log.tell(f"draining: {self._sender.in_flight} in flight, up to {longest:g} s")
        self._sender.drain()
        while self._sender.is_alive() or self._sender.outstanding or self._unrecorded:
            self._sender.results_ready.wait(_LONGEST_WAIT)
            try:
                self._cycle(0)
            except Error as error:
                if not connection_is_lost(error):
                    raise
                self._log.tell("leaving with nothing to record; leases that were not used run out")

    def _cycle(self, room: int) -> Cycle:
        attempted, unsent = self._sender.take()
        attempted = self._unrecorded + attempted
        cycle = self._reach_database(
            lambda: self._cycles.run(
                attempted=attempted, unsent=unsent, room=room, fan_out=not self._signals
            ),
            to_record=bool(attempted),
        )
        self._unrecorded = cycle.unrecorded
        if cycle.claims:
            reach("after_claim")
            self._log.claimed(cycle.claims)
            self._sender.submit(cycle.claims)
        self._log.attempted(cycle.recorded)
        self._disable(cycle)
        if self._sender.failure is not None:
            raise self._sender.failure
        return cycle

    def _room(self) -> int:
        """Claims run one slot-count ahead of the sends at most, and a batch at a time."""
        return min(self._options.batch, 2 * self._options.concurrency - self._sender.outstanding)

    def _wait(self, cycle: Cycle | None) -> None:
        """Until the sender has results or the next poll is due; not at all where the cycle left work behind."""
        if cycle is not None and cycle.saturated and self._room() > 0:
            return
        poll_at = time.monotonic() + self._options.poll_interval.total_seconds()
        while not self._signals and (patience := poll_at - time.monotonic()) > 0:
            if self._sender.results_ready.wait(min(patience, _LONGEST_WAIT)):
                return

    def _ask(self, question: str) -> bool:
        return bool(self._reach_database(lambda: fetch_all(question, {}))[0][0])

    def _disable(self, cycle: Cycle) -> None:
        self._gone |= {one.attempted.claim.endpoint.id for one in cycle.recorded if _is_gone(one)}
        self._failing |= cycle.failing
        if not (self._gone or self._failing):
            return
        try:
            disabled = self._reach_database(lambda: disable_endpoints(gone=self._gone, failing=self._failing))
        except Error as error:
            if connection_is_lost(error):
                raise
            self._log.poisoned("disable", error, "endpoints that are gone or failing, until the next cycle")
            return
        self._gone.clear()
        self._failing.clear()
        for one in disabled:
            self._log.tell(f"endpoint {one.public_id} is disabled: {one.reason}")

    def _reach_database(self, work: Callable[[], T], *, to_record: bool = False) -> T:
        """Run `work` through outages; on the way down wait only for the sake of results.

        Raises:
            django.db.Error: the connection is lost, a stop was asked for, and there is nothing to record.
        """
        return surviving_outages(
            work,
            on_outage=self._on_outage,
            keep_trying=lambda: not self._signals or to_record or self._sender.in_flight > 0,
        )

    def _on_outage(self, error: BaseException, pause: float) -> None:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        self._log.tell(f"database out of reach ({reason}); trying again in {pause:.1f} s")

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        # Only counts: the main thread may hold the very lock that waking it would take.
        self._signals += 1
        if self._signals > 1:
            raise Stopped


def _is_gone(one: Recorded) -> bool:
    attempted = one.attempted
    return isinstance(attempted.decision, Gone) and not one.superseded and not attempted.claim.by_hand
