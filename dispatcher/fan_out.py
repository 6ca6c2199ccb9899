"""Fan-out: from an event's pointer to one delivery for each subscribed endpoint."""

import uuid
from dataclasses import dataclass

from dispatcher.lanes import LaneTouches
from outbox.database import fetch_all
from outbox.sql import prepared

_FIRST = uuid.UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FannedOut:
    """How far one statement of fan-out came."""

    events: int  # pointers taken
    last: uuid.UUID | None  # the newest of them, None where there was none
    deliveries: int  # created
    skipped: int  # deliveries of disabled endpoints, which ended where they began


def fan_out_events(*, limit: int, touches: LaneTouches, after: uuid.UUID = _FIRST) -> FannedOut:
    """Fan out up to `limit` pending events; requires a transaction, and that `touches` is applied in it.

    Pointers are taken oldest first with SKIP LOCKED and never by a cursor kept between calls: commit order
    is not id order, so an older event may appear behind newer ones. `after` only steps over a pointer that
    failed alone, within one cycle. A pointer is deleted in the transaction that creates its deliveries.
    """
    rows = fetch_all(prepared("dispatcher.sql", "fan_out_events"), {"limit": limit, "after": after})
    deliveries = 0
    for *_, endpoint_id, wake_at, created in rows:
        if endpoint_id is not None:
            touches[endpoint_id].wake(wake_at)
            deliveries += created
    events, last, skipped, *_ = rows[0]
    return FannedOut(events=events, last=last, deliveries=deliveries, skipped=skipped)
