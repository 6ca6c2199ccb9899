"""What a write tells the outbox."""

from typing import Any

from core.writes import Write
from outbox.recording import record_event


def record(write: Write, type: str, object: dict[str, Any]) -> None:
    """Record that the object became what it is, in the open transaction. One statement."""
    record_event(
        owner=write.owner,
        type=type,
        object_id=object["id"],
        data=object,
        request_id=write.request_id,
        idempotency_key=write.idempotency_key,
    )
