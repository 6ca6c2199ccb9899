"""A dispatcher process: the loop of its database thread.

1. In one transaction record what was sent, fan out new events and claim what there is room for.
2. Hand the claims to the executor: to this process's own send thread, or to workers.
3. Wait until there are results, or until the next poll.

Polling is what makes it correct. The first SIGTERM or SIGINT drains: nothing more is claimed, what is in
flight ends and is recorded. A second one stops at once: what was in flight is claimable when its lease ends.
"""

import gc
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, TypeVar

from django.db import Error

from dispatcher.attempt_log import AttemptLog
from dispatcher.connection import connect, passes
from dispatcher.cycles import Cycle
from dispatcher.errors import BrokerOutOfReach
from dispatcher.pipeline import LONGEST_WAIT
from dispatcher.pulse import Pulse
from dispatcher.replay_steps import carry_a_replay
from dispatcher.stopping import Stopped, StopRequest
from outbox.database import disconnect, fetch_all
from outbox.partitions import maintain_partitions
from outbox.sql import statements

MAINTENANCE_INTERVAL = timedelta(hours=1)
REPLAYS_INTERVAL = timedelta(seconds=0.5)
REPLAYS_REFUSED_INTERVAL = timedelta(minutes=1)
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


class Executor(Protocol):
    """Where claims go: the Pipeline of this process, or workers that are told of them."""

    lease_owner: uuid.UUID  # of what it claims

    @property
    def room(self) -> int:
        """How many more deliveries may be claimed now."""

    @property
    def outstanding(self) -> int:
        """Claims in this process that it still has to send or record."""

    @property
    def in_flight(self) -> int:
        """Sends of this process that are under way."""

    def start(self) -> None:
        """May raise BrokerOutOfReach."""

    def close(self) -> None:
        """The last call: let go of what it holds, whether it was started, has finished, or was stopped at once."""

    def cycle(self, *, room: int, fan_out: bool) -> Cycle: ...

    def wait(self, seconds: float) -> bool:
        """Until there are results, `seconds` at most; says whether there are."""

    def finish(self, *, meanwhile: Callable[[], None]) -> None:
        """Claim nothing more and leave nothing unrecorded; `meanwhile` is called again and again until then."""

    def reach_database(self, work: Callable[[], T]) -> T:
        """Run `work` through outages."""


class DispatcherProcess:
    """Runs until stopped, or as `drain` and `once` say. `run()` gives the exit code."""

    def __init__(
        self,
        *,
        options: RunOptions,
        executor: Executor,
        log: AttemptLog,
        stop: StopRequest,
        ready: str,
        pulse: Pulse,
    ) -> None:
        self._options = options
        self._executor = executor
        self._log = log
        self._stop = stop
        self._ready = ready
        self._pulse = pulse
        self._maintenance_due = 0.0  # by time.monotonic()
        self._look_due = 0.0
        self._refused_until = 0.0

    def run(self) -> int:
        """0 when drained or done, 1 when stopped at once.

        Raises:
            django.db.Error: the database cannot be reached at the start, or is not migrated.
            BrokerOutOfReach: the executor needs a broker, and it cannot be reached at the start.
        """
        try:
            connect()
            self._executor.start()
        except (Error, BrokerOutOfReach):
            self._executor.close()
            raise
        _spare_the_collector()
        self._log.tell(self._ready)
        with self._stop.listening():
            try:
                try:
                    self._dispatch()
                except Error as error:
                    if not (self._stop.requested and passes(error)):
                        raise
                self._finish()
                self._pulse.end()
            except Stopped:
                self._log.tell(
                    f"stopped with {self._executor.in_flight} in flight; "
                    "each is claimed again when its lease ends"
                )
                return 1
            finally:
                self._log.close()
                self._executor.close()
                disconnect()
        return 0

    def _dispatch(self) -> None:
        idle = woken = False
        while not self._stop.requested:
            self._maintain()
            self._beat()
            quiet = idle and not woken and self._executor.outstanding == 0
            if not self._look(quiet=quiet):
                if self._options.drain and not self._ask(_SQL["backlog"]):
                    return
                woken = self._wait(None)
                continue
            cycle = self._cycle(self._room())
            if self._options.once:
                return
            idle = cycle.idle
            woken = self._wait(cycle)

    def _maintain(self) -> None:
        """Make and drop partitions, once an hour; whichever dispatcher comes first, and whose role may, does it."""
        if time.monotonic() < self._maintenance_due:
            return
        self._maintenance_due = time.monotonic() + MAINTENANCE_INTERVAL.total_seconds()
        if not self._ask(_SQL["may_maintain"]):
            return
        done = self._executor.reach_database(maintain_partitions)
        for partition, reason in done.failed:
            self._log.tell(f"partition {partition} has to wait for the next hour: {reason}")
        for strays in done.strays:
            self._log.tell(strays.sentence())

    def _finish(self) -> None:
        if self._options.once and not self._stop.requested:
            while self._executor.outstanding and not self._stop.requested:
                self._wait(None)
                self._cycle(0)
        self._executor.finish(meanwhile=self._pulse.write_on_the_way_down)

    def _look(self, *, quiet: bool) -> bool:
        """Whether a cycle may find anything, after a step of a replay where one is due.

        One statement answers both. A quiet process asks it at each poll; a busy one runs its cycle anyway, and looks
        for replays a few times a second, or before each cycle while there are steps to make.
        """
        now = time.monotonic()
        if now < self._refused_until:
            return not quiet or self._ask(_SQL["backlog"])
        if not quiet and now < self._look_due:
            return True
        self._look_due = now + REPLAYS_INTERVAL.total_seconds()
        try:
            work, replay = self._executor.reach_database(lambda: fetch_all(_SQL["work_is_waiting"], {}))[0]
            if replay and self._executor.reach_database(lambda: carry_a_replay(self._log)):
                self._look_due = 0.0
                return True
        except Error as error:
            if passes(error):
                raise
            # As where its role may not: deliveries go on.
            self._log.poisoned("look for", error, "replays")
            self._refused_until = now + REPLAYS_REFUSED_INTERVAL.total_seconds()
            return True
        return bool(work) or not quiet

    def _beat(self) -> None:
        if self._pulse.due:
            self._executor.reach_database(self._pulse.write)

    def _cycle(self, room: int) -> Cycle:
        return self._executor.cycle(room=room, fan_out=not self._stop.requested)

    def _room(self) -> int:
        return min(self._options.batch, self._executor.room)

    def _wait(self, cycle: Cycle | None) -> bool:
        """Until the sender has results, a notification comes, or the next poll is due; says whether one of the former.

        Not at all where the cycle left work behind.
        """
        if cycle is not None and cycle.left_work_behind(room=self._room(), slots=self._options.concurrency):
            return True
        poll_at = time.monotonic() + self._options.poll_interval.total_seconds()
        while not self._stop.requested and (patience := poll_at - time.monotonic()) > 0:
            self._beat()
            if self._executor.wait(min(patience, LONGEST_WAIT)):
                return True
        return False

    def _ask(self, question: str) -> bool:
        return bool(self._executor.reach_database(lambda: fetch_all(question, {}))[0][0])


def _spare_the_collector() -> None:
    """What was made until now lives as long as the process, and hundreds of claims at once are no garbage.

    With Python's own thresholds the collector took a twentieth of a dispatcher's time, to find nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
