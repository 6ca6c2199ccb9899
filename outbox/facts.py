"""An event as a plain value, for code that renders and sends it."""

import uuid
from datetime import datetime
from typing import NamedTuple

from outbox.identifiers import encode_id, moment_of


class EventFacts(NamedTuple):
    """What was recorded, frozen. Equal facts render to equal bytes, for ever."""

    id: uuid.UUID
    owner: str
    type: str
    object_id: str
    data: str  # the object's exact JSON text
    request_id: str | None
    idempotency_key: str | None
    previous: str | None = None  # JSON text of the attributes that changed, as they were before
    traceparent: str | None = None  # the trace in which it was recorded; no body tells of it

    @property
    def public_id(self) -> str:
        # Asked for twice in a row: by the body of a delivery and by its header.
        global _latest
        known, text = _latest
        if known is not self.id:
            text = encode_id("evt", self.id)
            _latest = (self.id, text)
        return text

    @property
    def created_at(self) -> datetime:
        return moment_of(self.id)


_latest: tuple[uuid.UUID | None, str] = (None, "")
