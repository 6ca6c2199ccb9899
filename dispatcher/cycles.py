"""The database's side of dispatching: record what finished, fan out, claim. One transaction, one commit.

When the transaction of a cycle fails, its parts run one by one, so that what cannot be done holds back
nothing else: results that meet a lock are kept for the next cycle, endpoint by endpoint; rows that can
never be written are found by halves and left alone.
"""

import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from django.db import Error, transaction

from dispatcher.attempts import Attempted
from dispatcher.claims import (
    LANES_PER_CLAIM,
    Claim,
    Hint,
    begin_deliveries,
    claim_due_deliveries,
    postpone_next_lane,
)
from dispatcher.connection import is_transient
from dispatcher.fan_out import FAN_OUT_ROWS, FannedOut, FanOutFront, fan_out_events
from dispatcher.lanes import LaneTouches, touch_lanes
from dispatcher.recording import Recorded, lock_deliveries, record_outcomes, release_leases
from outbox.crash_points import reach
from outbox.database import connection_is_lost
from outbox.models import PendingEvent

FAN_OUT_BATCH = 256
# A cycle that met a lock, a deadlock or a serialization failure is run again after these pauses.
_PAUSES = (0.05, 0.2)
_STEPS_OVER = 16  # pointers that may fail in one cycle before the rest waits for the next


class FailureLog(Protocol):
    """Where a part of a cycle that failed alone is told of."""

    def poisoned(self, part: str, error: Exception, subject: str) -> None: ...


@dataclass(kw_only=True)
class Cycle:
    """What one cycle did."""

    recorded: list[Recorded] = field(default_factory=list)
    unrecorded: list[Attempted] = field(default_factory=list)  # to be recorded by the next cycle
    claims: list[Claim] = field(default_factory=list)
    failing: set[uuid.UUID] = field(default_factory=set)  # endpoints to be warned of or disabled
    fanned_out: int = 0
    created: int = 0  # deliveries
    ended: Counter[str] = field(default_factory=Counter)  # deliveries without an attempt of ours, by state
    more_to_fan_out: bool = False  # a chunk was full
    room: int = 0  # how many it might have claimed
    record_seconds: float = 0.0  # what recording and giving back took
    claim_seconds: float = 0.0
    seconds: float = 0.0  # all of it, commits and repetitions included

    @property
    def idle(self) -> bool:
        return not (
            self.recorded or self.unrecorded or self.claims or self.fanned_out or self.more_to_fan_out
        )

    def count(self, step: FannedOut) -> None:
        self.fanned_out += step.events
        self.more_to_fan_out = step.more
        self.created += step.deliveries
        if step.skipped:
            self.ended["skipped"] += step.skipped

    def left_work_behind(self, *, room: int, slots: int) -> bool:
        """Whether the next cycle need not wait for anything: more is likely to be there, and it is worth a commit.

        A cycle costs about as much as recording fifty deliveries; one for every few that ended would cost more
        than sending them.
        """
        more_is_due = 0 < self.room < 2 * len(self.claims)
        return (more_is_due and 2 * room >= slots) or self.fanned_out >= FAN_OUT_BATCH or self.more_to_fan_out


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What one cycle has to do, in one transaction or part by part."""

    attempted: Sequence[Attempted]
    unsent: Sequence[Claim]
    room: int
    fan_out: bool
    hints: Sequence[Hint]


@dataclass(frozen=True, kw_only=True)
class CycleRunner:
    """Runs cycles for one process; requires that no transaction is open."""

    lease_owner: uuid.UUID
    lease: timedelta
    log: FailureLog
    front: FanOutFront = field(default_factory=FanOutFront)
    begun: bool = True  # whether this process sends what it claims; else workers begin it

    def run(
        self,
        *,
        attempted: Sequence[Attempted],
        unsent: Sequence[Claim],
        room: int,
        fan_out: bool = True,
        hints: Sequence[Hint] = (),
    ) -> Cycle:
        """Record `attempted`, give back `unsent`, fan out, and claim up to `room` deliveries or begin `hints`.

        Raises:
            django.db.Error: the connection is lost; nothing of the cycle may be taken as recorded.
        """
        begun = time.perf_counter()
        cycle = self._run(Work(attempted=attempted, unsent=unsent, room=room, fan_out=fan_out, hints=hints))
        cycle.seconds = time.perf_counter() - begun
        return cycle

    def _run(self, work: Work) -> Cycle:
        for pause in (*_PAUSES, None):
            try:
                return self._in_one_transaction(work)
            except Error as error:
                if connection_is_lost(error):
                    raise
                if pause is None or not is_transient(error):
                    break
                time.sleep(pause)
        return self._one_by_one(work)

    def _in_one_transaction(self, work: Work) -> Cycle:
        cycle = Cycle(room=work.room)
        touches = LaneTouches()
        with transaction.atomic(durable=True, savepoint=False):
            begun = time.perf_counter()
            if work.attempted and work.unsent:
                lock_deliveries([*(one.claim for one in work.attempted), *work.unsent])
            cycle.recorded = record_outcomes(work.attempted, touches=touches)
            release_leases(work.unsent, touches=touches)
            cycle.record_seconds = time.perf_counter() - begun
            if work.fan_out:
                step = fan_out_events(
                    limit=FAN_OUT_BATCH, touches=touches, after=self.front.after, rows=FAN_OUT_ROWS
                )
                self.front.move(step)
                cycle.count(step)
                if step.deliveries:
                    reach("during_fan_out")
            cycle.failing.update(touch_lanes(touches))
            if work.room > 0:
                begun = time.perf_counter()
                cycle.claims = self._claim(work.room, cycle.ended)
                cycle.claim_seconds = time.perf_counter() - begun
                if cycle.claims:
                    reach("during_claim")
            if begun_now := self._begin(work.hints):
                reach("during_begin")
                cycle.claims += begun_now
            if work.attempted:
                reach("during_record")
        return cycle

    def _claim(self, room: int, ended: Counter[str], lanes: int = LANES_PER_CLAIM) -> list[Claim]:
        return claim_due_deliveries(
            limit=room,
            lease_for=self.lease,
            lease_owner=self.lease_owner,
            lanes=lanes,
            begun=self.begun,
            ended=ended,
        )

    def _begin(self, hints: Sequence[Hint]) -> list[Claim]:
        return begin_deliveries(hints, lease_for=self.lease, lease_owner=self.lease_owner)

    def _one_by_one(self, work: Work) -> Cycle:
        cycle = Cycle(room=work.room)
        by_endpoint: dict[uuid.UUID, list[Attempted]] = defaultdict(list)
        for one in work.attempted:
            by_endpoint[one.claim.endpoint.id].append(one)
        begun = time.perf_counter()
        for group in by_endpoint.values():
            self._record_by_halves(group, cycle)
        self._release(work.unsent)
        cycle.record_seconds = time.perf_counter() - begun
        if work.fan_out:
            self._fan_out_by_halves(cycle)
        if work.room > 0:
            begun = time.perf_counter()
            cycle.claims = self._claim_by_halves(work.room, cycle)
            cycle.claim_seconds = time.perf_counter() - begun
        self._begin_by_halves(work.hints, cycle)
        return cycle

    def _record_by_halves(self, attempted: Sequence[Attempted], cycle: Cycle) -> None:
        if not attempted:
            return
        try:
            touches = LaneTouches()
            with transaction.atomic(durable=True, savepoint=False):
                recorded = record_outcomes(attempted, touches=touches)
                failing = touch_lanes(touches)
            cycle.recorded += recorded
            cycle.failing.update(failing)
            return
        except Error as error:
            if connection_is_lost(error):
                raise
            if is_transient(error):
                self.log.poisoned("record", error, f"{len(attempted)} results of an endpoint")
                cycle.unrecorded += attempted
                return
            if len(attempted) == 1:
                # Its lease ends, it is claimed again and the attempt is logged as unknown: never lost.
                self.log.poisoned("record", error, str(attempted[0].claim.delivery_id))
                return
        middle = len(attempted) // 2
        self._record_by_halves(attempted[:middle], cycle)
        self._record_by_halves(attempted[middle:], cycle)

    def _fan_out_by_halves(self, cycle: Cycle) -> None:
        """Fan out in steps that shrink before a pointer that fails, step over it alone, and grow again.

        Behind those that one cycle may step over the next one goes on, so that however many there are hold
        back nothing else; once the end is reached, they are tried again.
        """
        stepped_over, after, limit = 0, self.front.after, FAN_OUT_BATCH
        while cycle.fanned_out < FAN_OUT_BATCH and stepped_over < _STEPS_OVER:
            try:
                touches = LaneTouches()
                with transaction.atomic(durable=True, savepoint=False):
                    step = fan_out_events(limit=limit, touches=touches, after=after, rows=FAN_OUT_ROWS)
                    touch_lanes(touches)
            except Error as error:
                if connection_is_lost(error):
                    raise
                if is_transient(error):
                    self.log.poisoned("fan_out", error, "pending events")
                    return
                if limit > 1:
                    limit //= 2
                    continue
                pointer = _next_pointer(after)
                if pointer is None:
                    break
                self.log.poisoned("fan_out", error, str(pointer))
                after = pointer
                stepped_over += 1
                continue
            cycle.count(step)
            limit = min(2 * limit, FAN_OUT_BATCH)
            if step.last is None:
                break
            if step.more:
                return
            after = step.last
        else:
            self.front.pass_over(after)
            cycle.more_to_fan_out = True
            return
        self.front.begin_again()

    def _release(self, unsent: Sequence[Claim]) -> None:
        touches = LaneTouches()
        try:
            with transaction.atomic(durable=True, savepoint=False):
                release_leases(unsent, touches=touches)
                touch_lanes(touches)
        except Error as error:
            if connection_is_lost(error):
                raise
            self.log.poisoned("release", error, "unsent leases, which will run out")

    def _claim_by_halves(self, room: int, cycle: Cycle) -> list[Claim]:
        """Claim from fewer lanes until it works, and put off a lane that fails alone."""
        lanes = LANES_PER_CLAIM
        while True:
            ended: Counter[str] = Counter()
            try:
                with transaction.atomic(durable=True, savepoint=False):
                    claims = self._claim(room, ended, lanes)
                cycle.ended += ended
                return claims
            except Error as error:
                if connection_is_lost(error):
                    raise
                if lanes > 1 and not is_transient(error):
                    lanes //= 2
                    continue
                with transaction.atomic(durable=True, savepoint=False):
                    postponed = None if is_transient(error) else postpone_next_lane()
                self.log.poisoned("claim", error, f"deliveries of {postponed or 'the next lanes'}")
                return []

    def _begin_by_halves(self, hints: Sequence[Hint], cycle: Cycle) -> None:
        """Hints that cannot be followed are dropped: their leases run out."""
        if not hints:
            return
        try:
            with transaction.atomic(durable=True, savepoint=False):
                cycle.claims += self._begin(hints)
            return
        except Error as error:
            if connection_is_lost(error):
                raise
            if len(hints) == 1 or is_transient(error):
                self.log.poisoned("begin", error, f"{len(hints)} deliveries")
                return
        middle = len(hints) // 2
        self._begin_by_halves(hints[:middle], cycle)
        self._begin_by_halves(hints[middle:], cycle)


def _next_pointer(after: uuid.UUID) -> uuid.UUID | None:
    return (
        PendingEvent.objects.filter(event_id__gt=after)
        .order_by("event_id")
        .values_list("event_id", flat=True)
        .first()
    )
