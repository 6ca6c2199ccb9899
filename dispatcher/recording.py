"""Recording how attempts went: every attempt's row, and its delivery's next state, in one statement."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, assert_never

from dispatcher.claims import Claim
from dispatcher.lanes import LaneTouches
from dispatcher.models import DeliveryState
from dispatcher.outcomes import Outcome
from dispatcher.retry import DeadLetter, Decision, Gone, Retry, Succeed
from outbox.database import fetch_all
from outbox.sql import statements

_SQL = statements("dispatcher.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """One attempt that was made: what was claimed, what happened, what we do next."""

    claim: Claim
    started_epoch: float  # when the send began, by the database's clock
    outcome: Outcome
    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What became of a recorded attempt."""

    attempted: Attempted
    superseded: bool  # another claim had taken over: nothing but the attempt row was written
    next_attempt_at: datetime | None  # None where the delivery ended, or the claim was superseded


def record_outcomes(attempted: Sequence[Attempted], *, touches: LaneTouches) -> list[Recorded]:
    """Record a batch; requires a transaction, and that `touches` is applied in it.

    Fenced: a delivery changes only where it still carries the claim's number. A stale claim writes its
    attempt row, marked superseded, and nothing else. Deliveries are locked in order of id.
    """
    if not attempted:
        return []
    columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
    for one in attempted:
        for name, value in zip(_COLUMNS, _row(one), strict=True):
            columns[name].append(value)
    standing: dict[uuid.UUID, datetime | None] = dict(fetch_all(_SQL["record_outcomes"], columns))
    recorded = []
    for one in attempted:
        claim = one.claim
        superseded = claim.attempt_id not in standing
        due_at = standing.get(claim.attempt_id)
        if not superseded:
            touch = touches[claim.endpoint.id]
            touch.unleased += 1
            if due_at is not None:
                touch.wake(due_at, ignore_hold=claim.by_hand)
            # A resend by hand never counts against its endpoint.
            if isinstance(one.decision, Retry) and one.decision.hold is not None and not claim.by_hand:
                touch.hold(one.decision.hold)
        recorded.append(Recorded(attempted=one, superseded=superseded, next_attempt_at=due_at))
    return recorded


def lock_deliveries(claims: Sequence[Claim]) -> None:
    """Lock what several statements of the open transaction will change, in order of id."""
    fetch_all(_SQL["lock_in_order"], {"ids": [claim.delivery_id for claim in claims]})


def release_leases(claims: Sequence[Claim], *, touches: LaneTouches) -> None:
    """Give back what was claimed and not sent; requires a transaction, as record_outcomes does.

    The attempt does not count and leaves no row: no byte of it was sent.
    """
    if not claims:
        return
    claim_of = {claim.delivery_id: claim for claim in claims}
    released = fetch_all(
        _SQL["release_leases"],
        {
            "delivery_id": list(claim_of),
            "attempt_id": [claim.attempt_id for claim in claim_of.values()],
            "begun": [claim.begun for claim in claim_of.values()],
        },
    )
    for delivery_id, due_at in released:
        claim = claim_of[delivery_id]
        touch = touches[claim.endpoint.id]
        touch.unleased += 1
        touch.wake(due_at, ignore_hold=claim.by_hand)


_COLUMNS = (
    "delivery_id", "claim_no", "endpoint_id", "event_id", "attempt_id", "number", "started_at", "outcome",
    "failure_code", "detail", "status", "peer_ip", "dns_ms", "connect_ms", "tls_ms", "first_byte_ms",
    "total_ms", "response", "truncated", "ending", "reason", "retry_after",
)  # fmt: skip


def _row(one: Attempted) -> tuple[Any, ...]:
    claim, outcome, timings = one.claim, one.outcome, one.outcome.timings
    ending, reason, retry_after = _next_state(one.decision)
    return (
        claim.delivery_id, claim.claim_no, claim.endpoint.id, claim.event_id, claim.attempt_id,
        claim.attempt_number, one.started_epoch,
        "succeeded" if outcome.succeeded else "failed",
        outcome.failure_code, outcome.detail or None, outcome.status, outcome.peer_ip,
        timings.dns_ms, timings.connect_ms, timings.tls_ms, timings.first_byte_ms, timings.total_ms,
        outcome.response, outcome.truncated, ending, reason, retry_after,
    )  # fmt: skip


def _next_state(decision: Decision) -> tuple[str | None, str | None, timedelta | None]:
    """The delivery's end and its reason, or how long it waits."""
    match decision:
        case Succeed():
            return DeliveryState.SUCCEEDED.value, None, None
        case DeadLetter(reason=reason):
            return DeliveryState.DEAD_LETTERED.value, reason, None
        case Gone():
            return DeliveryState.DEAD_LETTERED.value, "endpoint_gone", None
        case Retry(after=after):
            return None, None, after
        case _:
            assert_never(decision)
