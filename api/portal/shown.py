"""Deliveries as lists show them."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from api.portal.lookups import endpoints_with
from api.portal.pages import Portal
from api.views.deliveries import event_types_of
from core.versions import shown_event_type
from dispatcher.listing import ListedDelivery
from dispatcher.models import Attempt, DeliveryRecord, Endpoint
from dispatcher.waiting import NextAttempt, next_attempt
from outbox.identifiers import floor_uuid, moment_of

_LONGEST = 32  # characters of an address in a list


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """A delivery in a list."""

    record: DeliveryRecord | ListedDelivery
    event_type: str | None  # None: the event is past its retention
    url: str | None  # of its endpoint
    last_status: int | None  # what its last attempt brought: a status, or why there is none
    last_code: str | None
    next: NextAttempt | None  # where one is waited for

    @property
    def recorded_at(self) -> datetime:
        """When its event was."""
        return moment_of(self.record.event_id)

    @property
    def receiver(self) -> str:
        """Host and path in a few characters."""
        if self.url is None:
            return "—"
        place = self.url.partition("://")[2]
        return place if len(place) <= _LONGEST else f"{place[: _LONGEST - 1]}…"

    @property
    def result(self) -> str:
        """What the last attempt brought, in a few characters."""
        if self.last_status is not None:
            return str(self.last_status)
        return "—" if self.last_code is None else self.last_code.replace("_", " ")


def listed_rows(found: Sequence[ListedDelivery], *, version: str) -> list[DeliveryRow]:
    """Rows of a list that was searched; no statement."""
    now = timezone.now()
    return [
        DeliveryRow(
            record=each,
            event_type=None if each.event_type is None else shown_event_type(each.event_type, version),
            url=each.endpoint_url,
            last_status=each.last_status,
            last_code=each.last_code or each.last_outcome,
            next=next_attempt(each, endpoint=each.endpoint, now=now),
        )
        for each in found
    ]


def delivery_rows(
    portal: Portal,
    records: Sequence[DeliveryRecord],
    *,
    endpoints: Mapping[uuid.UUID, Endpoint] | None = None,
) -> list[DeliveryRow]:
    """Rows of a list with their events' types, endpoints and last attempts. Two statements, or three.

    Args:
        endpoints: all that the records name, each of `with_lanes`; None has them looked up.
    """
    if not records:
        return []
    if endpoints is None:
        endpoints = endpoints_with(portal, {record.endpoint_id for record in records})
    types = event_types_of(records, owner=portal.owner, version=portal.session.api_version)
    last, now = _last_attempts(records), timezone.now()
    rows = []
    for record in records:
        endpoint, attempt = endpoints.get(record.endpoint_id), last.get(record.id)
        rows.append(
            DeliveryRow(
                record=record,
                event_type=types.get(record.event_id),
                url=endpoint.url if endpoint else None,
                last_status=attempt.status if attempt else None,
                last_code=(attempt.failure_code or attempt.outcome) if attempt else None,
                next=next_attempt(record, endpoint=endpoint, now=now),
            )
        )
    return rows


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
