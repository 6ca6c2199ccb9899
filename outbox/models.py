"""What happened, and which of it has not been fanned out yet."""

import json
from datetime import datetime
from typing import Any

from django.db import models

from outbox.facts import EventFacts
from outbox.identifiers import encode_id, moment_of


class Event(models.Model):
    """An immutable fact. Inserted in the transaction of the change it tells of; never updated.

    `data` is the exact JSON text of the object as it was, frozen when the event was recorded; `previous` that of
    the attributes that changed, as they were before, where the recorder gave them.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    owner = models.TextField()
    type = models.TextField()
    object_id = models.TextField()
    data = models.TextField()
    request_id = models.TextField(null=True)
    idempotency_key = models.TextField(null=True)
    previous = models.TextField(null=True)
    # The trace in which it was recorded, as W3C's `traceparent`; NULL where none is kept.
    traceparent = models.TextField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["owner", "id"], name="outbox_event_owner_id"),
            models.Index(fields=["owner", "type", "id"], name="outbox_event_owner_type"),
            # What happened to an object. Object ids sort by time too, so this index grows at its end.
            models.Index(fields=["object_id", "id"], name="outbox_event_object"),
        ]

    @property
    def public_id(self) -> str:
        return encode_id("evt", self.id)

    @property
    def created_at(self) -> datetime:
        return moment_of(self.id)

    @property
    def facts(self) -> EventFacts:
        return EventFacts(
            id=self.id,
            owner=self.owner,
            type=self.type,
            object_id=self.object_id,
            data=self.data,
            request_id=self.request_id,
            idempotency_key=self.idempotency_key,
            previous=self.previous,
        )

    def decoded_data(self) -> dict[str, Any]:
        decoded: dict[str, Any] = json.loads(self.data)
        return decoded


class PendingEvent(models.Model):
    """Pointer to an event that has not been fanned out yet; deleted by the fan-out."""

    event_id = models.UUIDField(primary_key=True, editable=False)
    order_key = models.TextField(null=True)  # events of one key may be delivered in their order
    sequence = models.BigIntegerField(
        null=True, editable=False
    )  # the place among them; the database's default
    fanned_out_to = models.UUIDField(null=True)  # the last endpoint served, where an event has very many

    class Meta:
        db_table = "outbox_pending"
        indexes = [models.Index(fields=["order_key", "sequence"], name="outbox_pending_order")]
