"""The database's side of dispatching: record what finished, fan out, claim. One transaction, one commit.

When the transaction of a cycle fails, its parts run one by one and then by halves, so that one row
that cannot be written holds back nothing else.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from django.db import DatabaseError, transaction

from dispatcher.claims import Claim, claim_due_deliveries
from dispatcher.connection import connection_is_lost
from dispatcher.crash_points import reach
from dispatcher.fan_out import fan_out_events
from dispatcher.lanes import LaneTouches, touch_lanes
from dispatcher.recording import Attempted, Recorded, record_outcomes, release_leases
from outbox.models import PendingEvent

FAN_OUT_BATCH = 256


class FailureLog(Protocol):
    """Where a part of a cycle that failed alone is told of."""

    def poisoned(self, part: str, error: Exception, subject: str) -> None: ...


@dataclass(kw_only=True)
class Cycle:
    """What one cycle did."""

    recorded: list[Recorded] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    fanned_out: int = 0
    room: int = 0  # how many it might have claimed

    @property
    def idle(self) -> bool:
        return not (self.recorded or self.claims or self.fanned_out)

    @property
    def saturated(self) -> bool:
        """Whether more is likely to be there: the next cycle need not wait for anything."""
        return 0 < self.room < 2 * len(self.claims) or self.fanned_out >= FAN_OUT_BATCH


@dataclass(frozen=True, kw_only=True)
class CycleRunner:
    """Runs cycles for one dispatcher process; requires that no transaction is open."""

    lease_owner: uuid.UUID
    lease: timedelta
    log: FailureLog

    def run(self, *, attempted: Sequence[Attempted], unsent: Sequence[Claim], room: int) -> Cycle:
        """Record `attempted`, give back `unsent`, fan out, and claim up to `room` deliveries.

        Raises:
            DatabaseError: the connection is lost; nothing of the cycle may be taken as recorded.
        """
        try:
            return self._in_one_transaction(attempted, unsent, room)
        except DatabaseError as error:
            if connection_is_lost(error):
                raise
            return self._one_by_one(attempted, unsent, room)

    def _in_one_transaction(
        self, attempted: Sequence[Attempted], unsent: Sequence[Claim], room: int
    ) -> Cycle:
        cycle = Cycle(room=room)
        touches = LaneTouches()
        with transaction.atomic(durable=True, savepoint=False):
            cycle.recorded = record_outcomes(attempted, touches=touches)
            release_leases(unsent, touches=touches)
            if room > 0:
                cycle.fanned_out = fan_out_events(limit=FAN_OUT_BATCH, touches=touches).events
            touch_lanes(touches)
            if room > 0:
                cycle.claims = self._claim(room)
            if attempted:
                reach("during_record")
        return cycle

    def _claim(self, room: int) -> list[Claim]:
        return claim_due_deliveries(limit=room, lease_for=self.lease, lease_owner=self.lease_owner)

    def _one_by_one(self, attempted: Sequence[Attempted], unsent: Sequence[Claim], room: int) -> Cycle:
        cycle = Cycle(room=room)
        cycle.recorded = self._record_by_halves(attempted)
        self._alone("release", "unsent leases", lambda: self._release(unsent))
        if room > 0:
            cycle.fanned_out = self._fan_out_by_halves()
            self._alone("claim", "due deliveries", lambda: self._claim_alone(cycle, room))
        return cycle

    def _record_by_halves(self, attempted: Sequence[Attempted]) -> list[Recorded]:
        if not attempted:
            return []
        try:
            touches = LaneTouches()
            with transaction.atomic(durable=True, savepoint=False):
                recorded = record_outcomes(attempted, touches=touches)
                touch_lanes(touches)
            return recorded
        except DatabaseError as error:
            if connection_is_lost(error):
                raise
            if len(attempted) == 1:
                # Its lease ends, it is claimed again and the attempt is logged as unknown: never lost.
                self.log.poisoned("record", error, str(attempted[0].claim.delivery_id))
                return []
        middle = len(attempted) // 2
        return self._record_by_halves(attempted[:middle]) + self._record_by_halves(attempted[middle:])

    def _fan_out_by_halves(self) -> int:
        """Fan out in steps that shrink before a pointer that fails, and step over it alone."""
        done, after, limit = 0, uuid.UUID(int=0), FAN_OUT_BATCH
        while done < FAN_OUT_BATCH:
            try:
                touches = LaneTouches()
                with transaction.atomic(durable=True, savepoint=False):
                    step = fan_out_events(limit=limit, touches=touches, after=after)
                    touch_lanes(touches)
            except DatabaseError as error:
                if connection_is_lost(error):
                    raise
                if limit > 1:
                    limit //= 2
                    continue
                pointer = _next_pointer(after)
                if pointer is None:
                    break
                self.log.poisoned("fan_out", error, str(pointer))
                after = pointer
                continue
            if step.last is None:
                break
            done += step.events
            after = step.last
        return done

    def _release(self, unsent: Sequence[Claim]) -> None:
        touches = LaneTouches()
        with transaction.atomic(durable=True, savepoint=False):
            release_leases(unsent, touches=touches)
            touch_lanes(touches)

    def _claim_alone(self, cycle: Cycle, room: int) -> None:
        with transaction.atomic(durable=True, savepoint=False):
            claims = self._claim(room)
        cycle.claims = claims

    def _alone(self, part: str, subject: str, work: Callable[[], None]) -> None:
        try:
            work()
        except DatabaseError as error:
            if connection_is_lost(error):
                raise
            self.log.poisoned(part, error, subject)


def _next_pointer(after: uuid.UUID) -> uuid.UUID | None:
    return (
        PendingEvent.objects.filter(event_id__gt=after)
        .order_by("event_id")
        .values_list("event_id", flat=True)
        .first()
    )
