"""What a write tells the outbox."""

from collections.abc import Mapping
from typing import Any

from core.writes import Write
from outbox.recording import record_event


def record(
    write: Write, type: str, object: dict[str, Any], *, previous: Mapping[str, Any] | None = None
) -> None:
    """Record that the object became what it is, in the open transaction. One statement.

    Args:
        previous: what changed, as `core.previous.previous_attributes` tells it, where the event shows that.
    """
    record_event(
        owner=write.owner,
        type=type,
        object_id=object["id"],
        data=object,
        previous=previous,
        request_id=write.request_id,
        idempotency_key=write.idempotency_key,
    )
