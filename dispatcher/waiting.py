"""When a delivery that waits is sent at the earliest, and what keeps it until then: pure but for `with_lanes`."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from django.db.models import Exists, QuerySet

from dispatcher.models import Endpoint, Lane, Pause


class Waiting(Protocol):
    """What is read of a delivery: a live row's or a record's."""

    @property
    def next_attempt_at(self) -> datetime | None: ...
    @property
    def manual(self) -> bool: ...


class Holder(StrEnum):
    """What keeps a delivery beyond the moment at which it is due."""

    PAUSE = "pause"  # of all deliveries
    CIRCUIT = "circuit"  # its endpoint's is open
    WISH = "wish"  # its endpoint asked for a wait: a 429, or Retry-After
    ROOM = "room"  # as many as its endpoint takes at once are under way
    PROBE = "probe"  # another delivery tries whether the endpoint is back


@dataclass(frozen=True, slots=True, kw_only=True)
class NextAttempt:
    """The attempt that a delivery waits for."""

    at: datetime  # when it is due, or the later moment at which its holder is known to let go
    holder: Holder | None


def with_lanes(endpoints: QuerySet[Endpoint]) -> QuerySet[Endpoint]:
    """Endpoints with all that `next_attempt` reads, in the statement that finds them."""
    return endpoints.select_related("lane").annotate(paused=Exists(Pause.objects.all()))


def next_attempt(delivery: Waiting, *, endpoint: Endpoint | None, now: datetime) -> NextAttempt | None:
    """Of a delivery that waits; None for one that does not, or that stands behind another of its order key.

    As the claim permits: a pause holds everything, a hold and a circuit what is automatic, room at the endpoint
    whatever is due. Nothing is foretold of a rate limit: it holds for seconds.

    Args:
        endpoint: one of `with_lanes`; None where it is no longer known.
    """
    due_at, manual = delivery.next_attempt_at, delivery.manual
    if due_at is None:
        return None
    if endpoint is None:
        return NextAttempt(at=due_at, holder=None)
    if endpoint.paused:  # type: ignore[attr-defined]
        return NextAttempt(at=due_at, holder=Holder.PAUSE)
    if not manual:
        until, holder = _held_until(endpoint.lane)
        if until > max(due_at, now):
            return NextAttempt(at=until, holder=holder)
    return NextAttempt(at=due_at, holder=None if due_at > now else _held_now(endpoint.lane, manual))


def _held_until(lane: Lane) -> tuple[datetime, Holder]:
    """Until when automatic deliveries wait, and for what; long ago where they do not."""
    if lane.circuit_openings and lane.circuit_until >= lane.hold_until:
        return lane.circuit_until, Holder.CIRCUIT
    return lane.hold_until, Holder.WISH


def _held_now(lane: Lane, manual: bool) -> Holder | None:
    """What holds a delivery that is due, without an end that is known."""
    if lane.in_flight >= lane.max_in_flight:
        return Holder.ROOM
    return Holder.PROBE if lane.circuit_openings and lane.in_flight and not manual else None
