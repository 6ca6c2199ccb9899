"""Fan-out: from an event's pointer to one delivery for each subscribed endpoint."""

import uuid
from dataclasses import dataclass

from dispatcher.lanes import LaneTouches
from outbox.database import fetch_all
from outbox.sql import prepared

_FIRST = uuid.UUID(int=0)

# Pairs of pointer and endpoint that one statement serves: an event with very many endpoints is no one huge
# transaction, and what is created in one cycle stays near to what cycles can claim.
FAN_OUT_ROWS = 2_000
# What one statement looks at, as a multiple of what it takes: it steps over what another dispatcher holds.
_WINDOW = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class FannedOut:
    """How far one statement of fan-out came."""

    events: int  # pointers whose deliveries all exist now
    last: uuid.UUID | None  # the newest pointer looked at, None where there are none behind it
    more: bool  # the chunk was full: there is more to do at once
    deliveries: int  # created
    skipped: int  # deliveries of disabled endpoints, which ended where they began
    thin: bool  # most of what it looked at is with other dispatchers, or waits for what is


@dataclass(slots=True)
class FanOutFront:
    """Where a dispatcher's next fan-out begins: at the oldest pointer, or once behind where little was to be had.

    A dispatcher that stands still in a transaction, or a pointer that cannot be fanned out, so holds back its
    own order keys only.
    """

    after: uuid.UUID = _FIRST

    def move(self, step: FannedOut) -> None:
        """Behind a thin step, else back to the beginning: what was passed over is soon tried again."""
        self.after = step.last if step.thin and step.last is not None else _FIRST

    def pass_over(self, last: uuid.UUID) -> None:
        """What is there up to this pointer failed, or is done."""
        self.after = last

    def begin_again(self) -> None:
        self.after = _FIRST


def fan_out_events(
    *, limit: int, touches: LaneTouches, after: uuid.UUID = _FIRST, rows: int = FAN_OUT_ROWS
) -> FannedOut:
    """Fan out up to `limit` pending events; requires a transaction, and that `touches` is applied in it.

    Pointers are taken oldest first with SKIP LOCKED and never by a cursor that only moves on: commit order is
    not id order, so an older event may appear behind newer ones. `after` only steps over what failed alone or
    is stuck, so that it holds back nothing else, and is soon at the beginning again. A pointer is deleted in
    the transaction that creates the last of its deliveries; until then it keeps the last endpoint served.

    Where a subscribed endpoint is ordered, a pointer is left for a later cycle while an older one of its
    order key is with another dispatcher.
    """
    found = fetch_all(
        prepared("dispatcher.sql", "fan_out_events"),
        {"limit": limit, "window": _WINDOW * limit, "after": after, "rows": rows},
    )
    deliveries = 0
    for *_, endpoint_id, wake_at, order_keys, created in found:
        if endpoint_id is None:
            continue
        touch = touches[endpoint_id]
        if wake_at is not None:
            touch.wake(wake_at)
        touch.order_keys.update(order_keys or ())
        deliveries += created
    events, last, more, skipped, *_ = found[0]
    return FannedOut(
        events=events,
        last=last,
        more=more,
        thin=not more and 2 * events < limit,
        deliveries=deliveries,
        skipped=skipped,
    )
