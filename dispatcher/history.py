"""What became of events, for many at once: their deliveries and the attempts of those, a bounded number of each."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, datetime, timedelta

from dispatcher.models import Attempt, DeliveryRecord
from outbox.database import fetch_all
from outbox.identifiers import encode_id, floor_uuid, moment_of
from outbox.sql import statements

_SQL = statements("dispatcher.sql")
# Ids of deliveries and attempts are made by the database's clock, those of events by the recorder's.
_SKEW = timedelta(hours=1)
_LAST = uuid.UUID(int=(1 << 128) - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastDelivery:
    """A delivery, live or ended, as it stands now."""

    owner: str
    event_id: uuid.UUID
    id: uuid.UUID
    endpoint_id: uuid.UUID
    state: str
    reason: str | None
    attempts: int  # begun so far
    resend_no: int  # 0 is automatic
    next_attempt_at: datetime | None  # None too where it waits behind another one of its order key
    finished_at: datetime | None

    @property
    def public_id(self) -> str:
        return encode_id("dlv", self.id)

    @property
    def event_public_id(self) -> str:
        return encode_id("evt", self.event_id)

    @property
    def created_at(self) -> datetime:
        return moment_of(self.id)

    @property
    def manual(self) -> bool:
        return self.resend_no > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PastAttempt:
    """One HTTP try, without what was answered."""

    id: uuid.UUID
    delivery_id: uuid.UUID
    number: int
    started_at: datetime
    outcome: str
    failure_code: str | None
    detail: str | None
    status: int | None
    peer_ip: str | None
    total_ms: float | None
    superseded: bool

    @property
    def public_id(self) -> str:
        return encode_id("att", self.id)


def past_delivery(delivery_id: uuid.UUID) -> PastDelivery | None:
    """One delivery of whoever it is; None where there is none. One statement."""
    names = list(PastDelivery.__dataclass_fields__)
    found = DeliveryRecord.objects.filter(id=delivery_id).values(*names).first()
    if found is None:
        return None
    due: datetime | None = found["next_attempt_at"]
    # PostgreSQL's infinity is read as the last moment there is: it waits behind another one.
    return PastDelivery(**found | {"next_attempt_at": None if due and due.year == MAXYEAR else due})


def deliveries_of_events(*, owner: str, event_ids: Sequence[uuid.UUID], limit: int) -> list[PastDelivery]:
    """At most `limit` deliveries of each event, in the order of the events; those that are no success first.

    One statement.
    """
    if not event_ids:
        return []
    since = [floor_uuid(moment_of(event_id) - _SKEW) for event_id in event_ids]
    parameters = {"owner": owner, "events": list(event_ids), "since": since, "limit": limit}
    return [_delivery(row) for row in fetch_all(_SQL["deliveries_of_events"], parameters)]


def newest_deliveries(*, endpoint_id: uuid.UUID, limit: int) -> list[PastDelivery]:
    """An endpoint's, by the time of their events. One statement."""
    parameters = {"endpoint_id": endpoint_id, "limit": limit}
    return [_delivery(row) for row in fetch_all(_SQL["newest_deliveries"], parameters)]


def attempts_of_deliveries(deliveries: Sequence[PastDelivery], *, limit: int) -> list[PastAttempt]:
    """The last `limit` attempts of each delivery, in the order of their numbers. One statement."""
    tried = [delivery for delivery in deliveries if delivery.attempts]
    if not tried:
        return []
    rows = fetch_all(
        _SQL["attempts_of_deliveries"],
        {
            "deliveries": [delivery.id for delivery in tried],
            "since": [floor_uuid(delivery.created_at - _SKEW) for delivery in tried],
            "until": [_until(delivery) for delivery in tried],
            "limit": limit,
        },
    )
    return [
        PastAttempt(
            id=row[0],
            delivery_id=row[1],
            number=row[2],
            started_at=row[3],
            outcome=row[4],
            failure_code=row[5],
            detail=row[6],
            status=row[7],
            peer_ip=row[8],
            total_ms=row[9],
            superseded=row[10],
        )
        for row in rows
    ]


def attempts_since(delivery: PastDelivery, *, limit: int) -> list[Attempt]:
    """The last `limit` attempts of one delivery with what was answered, in the order of their numbers."""
    rows = Attempt.objects.filter(
        delivery_id=delivery.id,
        id__gte=floor_uuid(delivery.created_at - _SKEW),
        id__lt=_until(delivery),
    )
    return list(rows.order_by("-number", "-id")[:limit])[::-1]


def _until(delivery: PastDelivery) -> uuid.UUID:
    return _LAST if delivery.finished_at is None else floor_uuid(delivery.finished_at + _SKEW)


def _delivery(row: tuple[object, ...]) -> PastDelivery:
    names = PastDelivery.__dataclass_fields__
    return PastDelivery(**dict(zip(names, row, strict=True)))  # type: ignore[arg-type]
