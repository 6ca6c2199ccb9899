"""The pipeline of a process: a send thread, and the cycles that feed it and record what it did.

One thread, the database thread, runs its cycles: `run_dispatcher` claims what they send, `run_worker` begins
what a dispatcher claimed. Everything else is the same, so it is here.
"""

import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

from django.db import Error

from dispatcher.attempt_log import AttemptLog
from dispatcher.attempts import Attempted
from dispatcher.claims import Hint
from dispatcher.config import DispatcherSettings
from dispatcher.connection import passes, surviving_outages
from dispatcher.cycles import Cycle, CycleRunner
from dispatcher.delivery import DeliveryPlan
from dispatcher.disabling import disable_endpoints
from dispatcher.observer import Observer, Unobserved
from dispatcher.recording import Recorded
from dispatcher.retry import Gone
from dispatcher.sender import Sender
from dispatcher.transport import CurlAdapter
from outbox.crash_points import reach
from outbox.database import connection_is_lost

# Claims in a process, in slots: one in flight, one waiting for a slot to free, one being recorded.
_AHEAD = 3
LONGEST_WAIT = 0.25  # seconds within which a request to stop is noticed
T = TypeVar("T")


class Pipeline:
    """Sends up to `concurrency` deliveries at once and records each attempt.

    Args:
        is_stopping: whether an outage of the database is only to be outlived for the sake of results.
    """

    def __init__(
        self,
        *,
        settings: DispatcherSettings,
        log: AttemptLog,
        concurrency: int,
        lease: timedelta,
        is_stopping: Callable[[], bool],
        observer: Observer | None = None,
    ) -> None:
        self._log = log
        self._concurrency = concurrency
        self._longest_attempt = settings.attempt_timeout
        self._is_stopping = is_stopping
        self._unrecorded: list[Attempted] = []  # results that met a lock; the next cycle tries again
        self._gone: set[uuid.UUID] = set()  # endpoints to be disabled
        self._failing: set[uuid.UUID] = set()  # endpoints to be warned of or disabled
        self._adapter = CurlAdapter(
            address_policy=settings.address_policy,
            url_rules=settings.url_rules,
            total_timeout=settings.attempt_timeout.total_seconds(),
            connect_timeout=settings.connect_timeout.total_seconds(),
            slots=concurrency,
            ca_bundle=settings.ca_bundle,
        )
        plan = DeliveryPlan(
            renderer=settings.renderer, retry_policy=settings.retry_policy, user_agent=settings.user_agent
        )
        self._sender = Sender(self._adapter, plan, attempt_timeout=settings.attempt_timeout)
        self._observer = observer or Unobserved()
        self._observer.watch_sends(lambda: self._sender.in_flight)
        self.lease_owner = uuid.uuid4()
        self._cycles = CycleRunner(lease_owner=self.lease_owner, lease=lease, log=log)

    @property
    def room(self) -> int:
        """How many more deliveries may be claimed, so that slots never wait and leases do not run out in a queue."""
        return _AHEAD * self._concurrency - self.outstanding

    @property
    def outstanding(self) -> int:
        """Claims that were handed over and not recorded or given back yet."""
        return self._sender.outstanding

    @property
    def unrecorded(self) -> bool:
        """Whether results met a lock: the next cycle tries again."""
        return bool(self._unrecorded)

    @property
    def in_flight(self) -> int:
        return self._sender.in_flight

    def start(self) -> None:
        self._sender.start()

    def close(self) -> None:
        """Let go of connections and sockets, except where sends are still under way."""
        if not self._sender.is_alive():
            self._adapter.close()
        self._sender.results_ready.close()

    def cycle(self, *, room: int = 0, fan_out: bool = False, hints: Sequence[Hint] = ()) -> Cycle:
        """Record what was sent, fan out, claim up to `room` deliveries or begin `hints`, and send them.

        Raises:
            django.db.Error: as of `reach_database`, or a cycle failed by something that is not its rows.
        """
        attempted, unsent = self._sender.take()
        attempted = self._unrecorded + attempted
        if attempted:
            reach("before_record")
        cycle = self.reach_database(
            lambda: self._cycles.run(
                attempted=attempted, unsent=unsent, room=room, fan_out=fan_out, hints=hints
            ),
            to_record=bool(attempted),
        )
        self._unrecorded = cycle.unrecorded
        if cycle.recorded:
            reach("after_record")
        if cycle.claims:
            reach("after_claim")
            self._log.claimed(cycle.claims)
            self._sender.submit(cycle.claims)
        self._log.attempted(cycle.recorded)
        self._observer.cycled(cycle)
        self._disable(cycle)
        if self._sender.failure is not None:
            raise self._sender.failure
        return cycle

    @property
    def has_results(self) -> bool:
        """Whether a cycle would record something, or somebody woke it."""
        return self._sender.results_ready.is_set

    def wake(self) -> None:
        """End a wait, from another thread."""
        self._sender.results_ready.set()

    def wait(self, seconds: float) -> bool:
        """Until there are results or somebody wakes it, `seconds` at most; says whether that is so."""
        return self._sender.results_ready.wait(seconds)

    def finish(self, *, meanwhile: Callable[[], None]) -> None:
        """Give back what was not begun, let what is in flight end, record all of it.

        Args:
            meanwhile: called between two cycles, several times a second.
        """
        if self._is_stopping() and self.in_flight:
            self._log.tell(
                f"draining: {self.in_flight} in flight, up to {self._longest_attempt.total_seconds():g} s"
            )
        self._sender.drain()
        while self._sender.is_alive() or self.outstanding or self._unrecorded:
            meanwhile()
            self.wait(LONGEST_WAIT)
            try:
                self.cycle()
            except Error as error:
                if not passes(error):
                    raise
                self._log.tell("leaving with nothing to record; leases that were not used run out")

    def reach_database(self, work: Callable[[], T], *, to_record: bool = False) -> T:
        """Run `work` through outages; on the way down wait only for the sake of results.

        Raises:
            django.db.Error: it does not pass; or a stop was asked for, and there is nothing to record.
        """
        return surviving_outages(
            work,
            tell=self._log.tell,
            keep_trying=lambda: not self._is_stopping() or to_record or self.in_flight > 0,
        )

    def _disable(self, cycle: Cycle) -> None:
        self._gone |= {one.attempted.claim.endpoint.id for one in cycle.recorded if _is_gone(one)}
        self._failing |= cycle.failing
        if not (self._gone or self._failing):
            return
        try:
            disabled = self.reach_database(lambda: disable_endpoints(gone=self._gone, failing=self._failing))
        except Error as error:
            if connection_is_lost(error):
                raise
            self._log.poisoned("disable", error, "endpoints that are gone or failing, until the next cycle")
            return
        self._gone.clear()
        self._failing.clear()
        for one in disabled:
            self._log.tell(f"endpoint {one.public_id} is disabled: {one.reason}")


def _is_gone(one: Recorded) -> bool:
    attempted = one.attempted
    return isinstance(attempted.decision, Gone) and not one.superseded and not attempted.claim.by_hand
