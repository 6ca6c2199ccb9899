"""Recording how attempts went: every attempt's row, and its delivery's next state, in one statement."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from dispatcher.attempts import Attempted
from dispatcher.claims import Claim
from dispatcher.lanes import LaneTouches
from dispatcher.outcome_columns import columns_of
from dispatcher.retry import Retry
from outbox.database import fetch_all
from outbox.sql import prepared, statements

_SQL = statements("dispatcher.sql")


class Recorded(NamedTuple):
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
    notable = {
        attempt_id: (superseded, due_at, order_key)
        for attempt_id, superseded, due_at, order_key in fetch_all(
            prepared("dispatcher.sql", "record_outcomes"), columns_of(attempted)
        )
    }
    recorded = []
    for one in attempted:
        claim = one.claim
        superseded, due_at, order_key = notable.get(claim.attempt_id, _ENDED)
        if not superseded:
            touch = touches[claim.endpoint.id]
            touch.unleased += 1
            if due_at is not None:
                touch.wake(due_at, ignore_hold=claim.by_hand)
            elif order_key is not None:
                touch.order_keys.add(order_key)
            # A resend by hand never counts for or against its endpoint.
            if not claim.by_hand:
                touch.judge(one.outcome, began=one.started_epoch)
                if isinstance(one.decision, Retry) and one.decision.hold is not None:
                    touch.hold(one.decision.hold)
        recorded.append(Recorded(one, superseded, due_at))
    return recorded


_ENDED = (False, None, None)  # what the statement leaves unsaid


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
