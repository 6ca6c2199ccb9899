"""Deliveries to read, to send again by hand, and to stop."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, datetime
from typing import Any

from django.db import transaction
from django.db.models import Model, Q, QuerySet

from dispatcher.errors import DeliveryEnded, DeliveryNotFound, EndpointNotFound, EventExpired
from dispatcher.lanes import LaneTouch, LaneTouches, touch_lanes, wake_lanes
from dispatcher.models import (
    FINISHED_STATES,
    Attempt,
    Delivery,
    DeliveryRecord,
    DeliveryState,
    Endpoint,
    FinishedDelivery,
)
from outbox.database import execute, fetch_all
from outbox.identifiers import floor_uuid, moment_of
from outbox.sql import statements

_SQL = statements("dispatcher.sql")


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """One page, newest event first."""

    rows: Sequence[DeliveryRecord]
    has_more: bool


def get_delivery(*, owner: str, delivery_id: uuid.UUID) -> DeliveryRecord:
    """Raises DeliveryNotFound, in the same words for another owner's as for one that never was."""
    record = DeliveryRecord.objects.filter(id=delivery_id, owner=owner).first()
    if record is None:
        raise DeliveryNotFound(delivery_id)
    record.next_attempt_at = _finite(record.next_attempt_at)
    return record


def attempts_of(delivery_id: uuid.UUID) -> list[Attempt]:
    """Every attempt of a delivery, in the order in which they were begun."""
    # An attempt is younger than its delivery: partitions of earlier days need not be looked into.
    since = floor_uuid(moment_of(delivery_id))
    return list(Attempt.objects.filter(delivery_id=delivery_id, id__gte=since).order_by("number", "id"))


def list_deliveries(
    *,
    owner: str,
    limit: int,
    state: str | None = None,
    endpoint_id: uuid.UUID | None = None,
    event_id: uuid.UUID | None = None,
    created_from: datetime | None = None,
    created_to: datetime | None = None,
    starting_after: uuid.UUID | None = None,
    ending_before: uuid.UUID | None = None,
) -> DeliveryPage:
    """A page of an owner's deliveries, by the time of their events, newest first.

    Live deliveries and those of each end are read apart, each along an index and no further than the
    page, and merged here. `created_from` is inclusive, `created_to` exclusive.

    Raises:
        DeliveryNotFound: a cursor names no delivery of this owner.
    """
    backwards = ending_before is not None
    cursor_id = ending_before if backwards else starting_after
    conditions = Q(owner=owner)
    if endpoint_id is not None:
        conditions &= Q(endpoint_id=endpoint_id)
    if event_id is not None:
        conditions &= Q(event_id=event_id)
    if created_from is not None:
        conditions &= Q(event_id__gte=floor_uuid(created_from))
    if created_to is not None:
        conditions &= Q(event_id__lt=floor_uuid(created_to))
    if cursor_id is not None:
        cursor = get_delivery(owner=owner, delivery_id=cursor_id)
        # Bounds the index by the event, and leaves out what of that same event is on the other page.
        if backwards:
            conditions &= Q(event_id__gte=cursor.event_id) & ~Q(event_id=cursor.event_id, id__lte=cursor.id)
        else:
            conditions &= Q(event_id__lte=cursor.event_id) & ~Q(event_id=cursor.event_id, id__gte=cursor.id)
    order = ("event_id", "id") if backwards else ("-event_id", "-id")
    found: list[DeliveryRecord] = []
    for source in _sources(state):
        found += [_record(row) for row in source.filter(conditions).order_by(*order)[: limit + 1]]
    found.sort(key=lambda record: (record.event_id, record.id), reverse=not backwards)
    page = found[:limit]
    return DeliveryPage(rows=page[::-1] if backwards else page, has_more=len(found) > limit)


def resend_delivery(*, owner: str, delivery_id: uuid.UUID) -> DeliveryRecord:
    """Send a delivery's event to its endpoint once more, as a new delivery; in a transaction.

    The event and its body stay the same, the signature is fresh. A resend ignores holds, works on a
    disabled endpoint, never counts against it, and leaves the automatic schedule as it is.

    Raises:
        DeliveryNotFound: as get_delivery, and where the endpoint was deleted.
        EventExpired: the event is past its retention.
    """
    original = get_delivery(owner=owner, delivery_id=delivery_id)
    try:
        return resend_event(owner=owner, event_id=original.event_id, endpoint_id=original.endpoint_id)
    except EndpointNotFound:
        raise DeliveryNotFound(delivery_id) from None


def resend_event(*, owner: str, event_id: uuid.UUID, endpoint_id: uuid.UUID) -> DeliveryRecord:
    """As resend_delivery, of an event that the endpoint need not have been sent before; in a transaction.

    The caller has seen that the event is the owner's.

    Raises:
        EndpointNotFound: no such endpoint of this owner, or it was deleted.
        EventExpired: the event is past its retention.
    """
    with transaction.atomic():
        endpoint = (
            Endpoint.objects.select_for_update(no_key=True)
            .filter(id=endpoint_id, owner=owner, deleted_at=None)
            .first()
        )
        if endpoint is None:
            raise EndpointNotFound(endpoint_id)
        new_id = create_delivery_by_hand(owner=owner, endpoint_id=endpoint_id, event_id=event_id)
    return get_delivery(owner=owner, delivery_id=new_id)


def create_delivery_by_hand(*, owner: str, endpoint_id: uuid.UUID, event_id: uuid.UUID) -> uuid.UUID:
    """A delivery that is due now; requires a transaction that holds the endpoint's row lock.

    It waits for a maintenance that is dropping events, and then sees whether its own is still there: a
    maintenance that comes later finds the delivery and keeps the event.

    Raises:
        EventExpired: the event is past its retention.
    """
    rows = fetch_all(
        _SQL["create_delivery_by_hand"],
        {"owner": owner, "endpoint_id": endpoint_id, "event_id": event_id},
    )
    if not rows:
        raise EventExpired(event_id)
    delivery_id: uuid.UUID = rows[0][0]
    wake_lanes([endpoint_id], rows[0][1], ignore_hold=True)
    return delivery_id


def stop_delivery(*, owner: str, delivery_id: uuid.UUID) -> DeliveryRecord:
    """End a live delivery as cancelled; in a transaction. A send under way is not called back.

    Raises:
        DeliveryNotFound: as get_delivery.
        DeliveryEnded: it is not live any more.
    """
    endpoint_id = get_delivery(owner=owner, delivery_id=delivery_id).endpoint_id
    with transaction.atomic():
        # It may come to the head of its key between two looks, and never goes back behind it.
        stopped = any(
            _stop(owner, endpoint_id, delivery_id, behind_head=behind_head)
            for behind_head in (False, True, False)
        )
    record = get_delivery(owner=owner, delivery_id=delivery_id)
    if not stopped:
        raise DeliveryEnded(delivery_id, record.state)
    return record


def _stop(owner: str, endpoint_id: uuid.UUID, delivery_id: uuid.UUID, *, behind_head: bool) -> bool:
    """Whether it was stopped; where it was not, no lock stays."""
    touches = LaneTouches({endpoint_id: LaneTouch()})
    parameters = {"delivery_id": delivery_id, "owner": owner, "behind_head": behind_head}
    with transaction.atomic():
        if behind_head:
            touch_lanes(touches)
        stopped = fetch_all(_SQL["stop_delivery"], parameters)
        for unleased, order_key in stopped:
            touches[endpoint_id].unleased += unleased
            if order_key is not None:
                touches[endpoint_id].order_keys.add(order_key)
            touch_lanes(touches)
        if not stopped:
            transaction.set_rollback(True)
    return bool(stopped)


def live_work_before(table: str, bound: uuid.UUID) -> bool:
    """Whether a live delivery refers to rows of `table` with ids below `bound`.

    Requires a transaction: it locks live deliveries against change, so that the answer holds until its end.
    """
    match table:
        case "outbox_event":
            needed = Q(event_id__lt=bound)
        case "dispatcher_attempt":
            needed = Q(id__lt=bound)
        case _:
            return False
    execute(_SQL["lock_deliveries"], {})
    return Delivery.objects.filter(needed).exists()


def database_now() -> datetime:
    """The moment by the clock that schedules. Joins the open transaction, where there is one."""
    moment: datetime = fetch_all(_SQL["database_now"], {})[0][0]
    return moment


def _sources(state: str | None) -> list[QuerySet[Any]]:
    """What to read: finished deliveries by state, because their indexes lead by state to the newest event."""
    live = Delivery.objects.all()
    match state:
        case None:
            return [live, *(FinishedDelivery.objects.filter(state=each) for each in FINISHED_STATES)]
        case DeliveryState.PENDING:
            return [live.filter(lease_owner=None)]
        case DeliveryState.SENDING:
            return [live.exclude(lease_owner=None)]
        case _:
            return [FinishedDelivery.objects.filter(state=state)]


def _record(row: Model) -> DeliveryRecord:
    match row:
        case Delivery():
            leased = row.lease_owner is not None
            return DeliveryRecord(
                id=row.id,
                owner=row.owner,
                endpoint_id=row.endpoint_id,
                event_id=row.event_id,
                state=DeliveryState.SENDING if leased else DeliveryState.PENDING,
                attempts=row.attempts,
                resend_no=row.resend_no,
                next_attempt_at=None if leased else _finite(row.due_at),
            )
        case FinishedDelivery():
            return DeliveryRecord(
                id=row.id,
                owner=row.owner,
                endpoint_id=row.endpoint_id,
                event_id=row.event_id,
                state=row.state,
                reason=row.reason,
                attempts=row.attempts,
                resend_no=row.resend_no,
                finished_at=row.finished_at,
            )
    raise TypeError(type(row).__name__)


def _finite(moment: datetime | None) -> datetime | None:
    """None where it waits behind the head of its key: PostgreSQL's infinity is read as the last moment there is."""
    return None if moment is None or moment.year == MAXYEAR else moment
