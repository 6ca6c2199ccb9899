"""Deliveries as lists show them."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from api.failure_catalogue import code_of
from api.portal.lookups import endpoints_with
from api.portal.pages import Portal
from api.views.deliveries import event_types_of
from dispatcher.models import Attempt, DeliveryRecord, Endpoint
from outbox.identifiers import encode_id, floor_uuid, moment_of

_LONGEST = 32  # characters of an address in a list


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """A delivery in a list."""

    record: DeliveryRecord
    event_id: str
    event_type: str | None  # None: the event is past its retention
    endpoint: Endpoint | None
    last: Attempt | None

    @property
    def recorded_at(self) -> datetime:
        """When its event was."""
        return moment_of(self.record.event_id)

    @property
    def receiver(self) -> str:
        """Host and path in a few characters."""
        if self.endpoint is None:
            return "—"
        place = self.endpoint.url.partition("://")[2]
        return place if len(place) <= _LONGEST else f"{place[: _LONGEST - 1]}…"

    @property
    def is_due(self) -> bool:
        """Its moment has come: it waits for room at its endpoint, or for the end of a pause."""
        moment = self.record.next_attempt_at
        return moment is not None and moment <= timezone.now()

    @property
    def result(self) -> str:
        """What the last attempt brought, in a few characters."""
        if self.last is None:
            return "—"
        if self.last.status is not None:
            return str(self.last.status)
        return (code_of(self.last) or self.last.outcome).replace("_", " ")


def delivery_rows(
    portal: Portal,
    records: Sequence[DeliveryRecord],
    *,
    endpoints: Mapping[uuid.UUID, Endpoint] | None = None,
) -> list[DeliveryRow]:
    """Rows of a list with their events' types, endpoints and last attempts. Two statements, or three."""
    if not records:
        return []
    if endpoints is None:
        endpoints = endpoints_with(portal, {record.endpoint_id for record in records})
    types = event_types_of(records, owner=portal.owner, version=portal.session.api_version)
    last = _last_attempts(records)
    return [
        DeliveryRow(
            record=record,
            event_id=encode_id("evt", record.event_id),
            event_type=types.get(record.event_id),
            endpoint=endpoints.get(record.endpoint_id),
            last=last.get(record.id),
        )
        for record in records
    ]


def pretty(body: bytes | str) -> str:
    """A body of ours, indented to be read."""
    decoded: Any = json.loads(body)
    return json.dumps(decoded, indent=2, ensure_ascii=False)


def _last_attempts(records: Sequence[DeliveryRecord]) -> dict[uuid.UUID, Attempt]:
    """The latest attempt of each delivery, without its answer. One statement."""
    begun = [record.id for record in records if record.attempts]
    if not begun:
        return {}
    # An attempt is younger than its delivery: partitions of earlier days need not be looked into.
    rows = (
        Attempt.objects.filter(delivery_id__in=begun, id__gte=floor_uuid(moment_of(min(begun))))
        .defer("response")
        .order_by("delivery_id", "-number", "-id")
        .distinct("delivery_id")
    )
    return {row.delivery_id: row for row in rows}
