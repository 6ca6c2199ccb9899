"""Recording what happened, in the transaction in which it happened."""

import json
from collections.abc import Mapping
from typing import Any

from outbox import notifying
from outbox.config import max_event_bytes
from outbox.crash_points import reach
from outbox.database import execute, in_transaction
from outbox.errors import EventRefused, TransactionRequired
from outbox.identifiers import new_uuid
from outbox.measures import recorded_events
from outbox.models import Event
from outbox.sql import prepared
from outbox.tracing import telemetry

# An index holds the key of every pending pointer.
MAX_ORDER_KEY = 500


def record_event(
    *,
    owner: str,
    type: str,
    object_id: str,
    data: Mapping[str, Any],
    previous: Mapping[str, Any] | None = None,
    request_id: str | None = None,
    idempotency_key: str | None = None,
    fan_out: bool = True,
    order_key: str | None = None,
) -> Event:
    """Record that something happened; requires a transaction, which it neither opens nor ends.

    One statement. The event and its pending pointer become visible when the caller's transaction
    commits, and never existed where it rolls back.

    Args:
        owner: whom the event belongs to, an opaque string (`acct_…`).
        type: dotted name, e.g. `payment_intent.succeeded`.
        object_id: the object the event tells of.
        data: the object as it is now; kept as compact JSON text, byte for byte what will be sent.
        previous: the attributes that changed, as they were before, where receivers are to know them.
        request_id: the API request that caused it, where there was one.
        idempotency_key: the key of that request.
        fan_out: False keeps the event from the subscribed endpoints (a test event has one receiver).
        order_key: ordered endpoints get the events of one key one after the other; default: `object_id`. Its
            order is that of this call, so the transaction must hold a lock that all recorders of the key
            take first: that of the object's row.

    Raises:
        TransactionRequired: no transaction is open.
        EventRefused: `data` or `previous` is no JSON, holds a lone surrogate, or exceeds
            `OUTBOX["MAX_EVENT_BYTES"]`; the order key is empty, longer than 500 characters or holds a NUL.
    """
    if not in_transaction():
        raise TransactionRequired
    order_key = _checked_key(type, object_id if order_key is None else order_key)
    tracing = telemetry()
    event = Event(
        id=new_uuid(),
        owner=owner,
        type=type,
        object_id=object_id,
        data=frozen(type, data),
        request_id=request_id,
        idempotency_key=idempotency_key,
        previous=None if previous is None else frozen(type, previous),
    )
    if tracing is not None:
        event.traceparent = tracing.recorded(type=type, event_id=event.public_id, owner=owner)
    execute(
        prepared("outbox.sql", "record_event"),
        {
            "id": event.id,
            "owner": owner,
            "type": type,
            "object_id": object_id,
            "data": event.data,
            "request_id": request_id,
            "idempotency_key": idempotency_key,
            "previous": event.previous,
            "traceparent": event.traceparent,
            "fan_out": fan_out,
            "notify": fan_out and notifying.is_due(),
            "order_key": order_key,
        },
    )
    recorded_events.add(type)
    reach("during_record_event")
    return event


def _checked_key(type: str, key: str) -> str:
    if not key or len(key) > MAX_ORDER_KEY or "\x00" in key:
        raise EventRefused(
            type=type,
            reason=f"its order_key (the object_id, where none is given) must have 1 to {MAX_ORDER_KEY} "
            f"characters and no NUL; this one has {len(key)}",
        )
    return key


def frozen(type: str, data: Mapping[str, Any]) -> str:
    """The text of an event's data, as it is kept and sent. Raises EventRefused."""
    try:
        text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        size = len(text.encode())
    except (TypeError, ValueError) as error:
        raise EventRefused(type=type, reason=f"its data is not JSON ({error})") from error
    limit = max_event_bytes()
    if size > limit:
        raise EventRefused(type=type, reason=f"its data has {size} bytes, the limit is {limit}")
    return text
