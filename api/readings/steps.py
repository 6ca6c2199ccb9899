"""The parts of a trace: plain values, with ids in their public form and moments in UTC."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dispatcher.waiting import NextAttempt


class Verdict(StrEnum):
    """What one endpoint made of one event, or we for it."""

    DELIVERED = "delivered"
    SENDING = "sending"
    WAITING = "waiting"
    DEAD_LETTERED = "dead_lettered"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    NOT_SUBSCRIBED = "not_subscribed"  # derived: there is no row of it
    TOO_LATE = "too_late"  # derived: the endpoint was made after the event
    NO_RECORD = "no_record"  # derived: subscribed now, and no delivery is there


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestStep:
    """An API request. Only its id is known once it has left the log."""

    id: str
    created_at: datetime
    method: str | None = None
    path: str | None = None
    status: int | None = None
    milliseconds: float | None = None
    error_code: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyStep:
    """A charge or a refund of a payment."""

    id: str
    kind: str  # charge, refund
    amount: int  # minor units
    currency: str
    status: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentStep:
    """A payment with its charges and refunds, oldest first."""

    id: str
    amount: int  # minor units
    currency: str
    status: str
    created_at: datetime
    customer: str | None
    money: tuple[MoneyStep, ...] = ()
    more_money: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStep:
    """One HTTP try."""

    id: str
    number: int
    started_at: datetime
    outcome: str  # succeeded, failed, unknown
    status: int | None
    milliseconds: float | None
    code: str | None  # why it failed; `dispatcher.reasons.explanation_of` explains it
    detail: str | None
    superseded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStep:
    """An event on its way to an endpoint."""

    id: str
    state: str
    reason: str | None
    manual: bool
    attempt_count: int
    created_at: datetime
    next_attempt_at: datetime | None  # when it is due
    next: NextAttempt | None  # when it is sent at the earliest
    finished_at: datetime | None
    attempts: tuple[AttemptStep, ...]  # the last ones
    earlier_attempts: int  # how many more there are before those


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What became of an event at one endpoint, in words."""

    endpoint: str
    url: str | None  # None where the endpoint is no longer known
    verdict: Verdict
    words: str
    delivery: DeliveryStep | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventStep:
    """An event with each endpoint's decision."""

    id: str
    type: str  # canonical
    object_id: str
    created_at: datetime
    request: str | None
    waits_for_fan_out: bool  # not all of its deliveries exist yet
    decisions: tuple[Decision, ...]
    more_decisions: bool

    @property
    def tone(self) -> str:
        """How it stands at the worst of its endpoints: bad, warn, ok; empty where nothing is to be said."""
        verdicts = {one.verdict for one in self.decisions}
        if Verdict.DEAD_LETTERED in verdicts:
            return "bad"
        waiting = (one.delivery for one in self.decisions if one.verdict is Verdict.WAITING)
        if any(delivery is not None and delivery.attempt_count for delivery in waiting):
            return "warn"
        return "ok" if Verdict.DELIVERED in verdicts else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointStep:
    """Where events go."""

    id: str
    url: str
    status: str  # enabled, disabled, deleted
    status_reason: str | None
    status_since: datetime
    enabled_events: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The whole way of what an id names."""

    id: str  # as it was asked for
    kind: str  # its noun
    owner: str | None  # the account; None for a request that nobody was known to make
    requests: tuple[RequestStep, ...]
    payments: tuple[PaymentStep, ...]
    endpoint: EndpointStep | None
    customer: str | None
    events: tuple[EventStep, ...]
    more_events: bool
    sentence: str

    def decisions(self) -> Iterator[Decision]:
        for event in self.events:
            yield from event.decisions
