"""Where a trace begins: what is stored under an id, and what belongs to it."""

import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import Exists, OuterRef, QuerySet

from api.models import RequestLog
from api.readings.identifying import Named
from api.readings.payments import Money, money_of
from core.models import Account, Customer, PaymentIntent, PaymentMethod, SetupIntent
from dispatcher.history import PastDelivery, newest_deliveries
from dispatcher.models import Attempt, DeliveryRecord, Endpoint, Replay
from dispatcher.waiting import with_lanes
from outbox.database import fetch_all
from outbox.errors import InvalidIdentifier
from outbox.identifiers import decode_id, encode_id, floor_uuid, moment_of
from outbox.models import Event, PendingEvent
from outbox.sql import statements

_SQL = statements("api.sql")
PAYMENTS = 5  # of a customer
DELIVERIES = 20  # of an endpoint
EXPIRED = "no longer stored"  # the type of an event past its retention
# A request records its events while it is answered. How many of its account's events are looked at.
_REQUEST_LASTS, _WINDOW, _EVENTS = timedelta(minutes=1), 1_000, 20
_SKEW = timedelta(hours=1)  # between the clocks that made an object's id and its events
_FIRST = uuid.UUID(int=0)
_IN_PATH = re.compile(r"(?:pi|ch|re|cus|pm|seti|we|evt|dlv)_[0-9A-Za-z]{22}(?![0-9A-Za-z])", re.ASCII)
_OF_PAYMENT = {"pi": "id", "ch": "charges__id", "re": "refunds__id"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a trace goes on from."""

    owner: str | None
    objects: Sequence[str] = ()  # public ids of what the events are about
    payments: Sequence[PaymentIntent] = ()
    money: Money = field(default_factory=dict)
    customer: str | None = None
    request: RequestLog | None = None
    endpoint: Endpoint | None = None
    events: Sequence[Event] = ()  # to be shown whatever else is
    deliveries: Sequence[PastDelivery] | None = None  # where these are the way to the events
    focus: uuid.UUID | None = None  # a delivery that is shown whatever else is
    whole_account: bool = False


def find(named: Named, *, owner: str | None = None) -> Start | None:
    """None where nothing is stored under the id. At most four statements."""
    start = _FINDERS[named.kind.prefix](named.value)
    return None if start is None or (owner is not None and start.owner != owner) else start


def events() -> QuerySet[Event]:
    """Events without their data, each with whether it waits to be fanned out (`pending`)."""
    waits = PendingEvent.objects.filter(event_id=OuterRef("id"))
    return Event.objects.annotate(pending=Exists(waits)).defer("data", "previous")


def events_of_objects(objects: Sequence[str], *, owner: str, limit: int) -> list[Event]:
    """What happened to them, oldest first; as events(). One statement."""
    rows = fetch_all(
        _SQL["events_of_objects"],
        {"objects": list(objects), "since": [_since(one) for one in objects], "owner": owner, "limit": limit},
    )
    found = []
    for row in rows:
        event = Event(id=row[0], owner=row[1], type=row[2], object_id=row[3], request_id=row[4])
        event.pending = row[5]  # type: ignore[attr-defined]
        found.append(event)
    return found


def expired_event(event_id: uuid.UUID, owner: str) -> Event:
    """What is left of an event whose delivery outlived it."""
    event = Event(id=event_id, owner=owner, type=EXPIRED, object_id="", data="{}")
    event.pending = False  # type: ignore[attr-defined]
    return event


def _payment(value: uuid.UUID) -> Start | None:
    return _by_payment("pi", value)


def _charge(value: uuid.UUID) -> Start | None:
    return _by_payment("ch", value)


def _refund(value: uuid.UUID) -> Start | None:
    return _by_payment("re", value)


def _customer(value: uuid.UUID) -> Start | None:
    row = Customer.objects.filter(id=value).only("id", "account_id").first()
    if row is None:
        return None
    payments = list(PaymentIntent.objects.filter(customer_id=value).order_by("-id")[:PAYMENTS])
    money = money_of([payment.id for payment in payments]) if payments else {}
    return Start(
        owner=encode_id("acct", row.account_id),
        objects=[row.public_id, *_objects(payments, money)],
        payments=payments[::-1],
        money=money,
        customer=row.public_id,
    )


def _event(value: uuid.UUID) -> Start | None:
    row = events().filter(id=value).first()
    return None if row is None else _around_event(row)


def _delivery(value: uuid.UUID) -> Start | None:
    record = DeliveryRecord.objects.filter(id=value).first()
    if record is None:
        return None
    row = events().filter(id=record.event_id).first()
    if row is None:
        expired = expired_event(record.event_id, record.owner)
        return Start(owner=record.owner, events=[expired], focus=value)
    return _around_event(row, focus=value)


def _attempt(value: uuid.UUID) -> Start | None:
    row = Attempt.objects.filter(id=value).only("id", "event_id", "delivery_id").first()
    if row is None:
        return None
    event = events().filter(id=row.event_id).first()
    return _delivery(row.delivery_id) if event is None else _around_event(event, focus=row.delivery_id)


def _endpoint(value: uuid.UUID) -> Start | None:
    row = with_lanes(Endpoint.objects.filter(id=value)).first()
    if row is None:
        return None
    deliveries = newest_deliveries(endpoint_id=value, limit=DELIVERIES + 1)
    return Start(owner=row.owner, endpoint=row, deliveries=deliveries)


def _replay(value: uuid.UUID) -> Start | None:
    """A replay is traced as its endpoint."""
    endpoint_id = Replay.objects.filter(id=value).values_list("endpoint_id", flat=True).first()
    return None if endpoint_id is None else _endpoint(endpoint_id)


def _account(value: uuid.UUID) -> Start | None:
    found = Account.objects.filter(id=value).exists()
    return Start(owner=encode_id("acct", value), whole_account=True) if found else None


def _payment_method(value: uuid.UUID) -> Start | None:
    row = PaymentMethod.objects.filter(id=value).only("id", "account_id", "customer_id").first()
    if row is None:
        return None
    customer = None if row.customer_id is None else encode_id("cus", row.customer_id)
    return Start(owner=encode_id("acct", row.account_id), objects=[row.public_id], customer=customer)


def _setup_intent(value: uuid.UUID) -> Start | None:
    row = SetupIntent.objects.filter(id=value).only("id", "account_id", "customer_id").first()
    if row is None:
        return None
    customer = None if row.customer_id is None else encode_id("cus", row.customer_id)
    return Start(
        owner=encode_id("acct", row.account_id), objects=[encode_id("seti", value)], customer=customer
    )


def _request(value: uuid.UUID) -> Start | None:
    row = RequestLog.objects.filter(id=value).first()
    if row is None:
        return None
    if row.account_id is None:
        return Start(owner=None, request=row)
    owner = encode_id("acct", row.account_id)
    made = events_of_request(row, owner)
    objects = list(dict.fromkeys([*(event.object_id for event in made), *_IN_PATH.findall(row.path)]))
    for object_id in objects:
        start = _by_object(object_id)
        if start is not None and start.owner == owner:
            return Start(
                owner=owner,
                request=row,
                objects=start.objects,
                payments=start.payments,
                money=start.money,
                customer=start.customer,
            )
        if start is not None:
            break
    about = [one for one in objects if not one.startswith(("evt_", "dlv_"))]
    return Start(owner=owner, request=row, objects=about)


_FINDERS: dict[str, Callable[[uuid.UUID], Start | None]] = {
    "req": _request,
    "pi": _payment,
    "ch": _charge,
    "re": _refund,
    "cus": _customer,
    "evt": _event,
    "dlv": _delivery,
    "att": _attempt,
    "we": _endpoint,
    "rpl": _replay,
    "acct": _account,
    "pm": _payment_method,
    "seti": _setup_intent,
}


def _around_event(row: Event, *, focus: uuid.UUID | None = None) -> Start:
    """The event alone, or, where it is a payment's, all that happened to that payment."""
    start = _by_object(row.object_id)
    if start is None or start.owner != row.owner:
        customer = row.object_id if row.object_id.startswith("cus_") else None
        return Start(owner=row.owner, events=[row], focus=focus, customer=customer)
    return Start(
        owner=row.owner,
        objects=start.objects,
        payments=start.payments,
        money=start.money,
        customer=start.customer,
        events=[row],
        focus=focus,
    )


def _by_object(object_id: str) -> Start | None:
    """The payment that an object of an event is, or belongs to."""
    prefix = object_id.partition("_")[0]
    if prefix not in _OF_PAYMENT:
        return None
    try:
        return _by_payment(prefix, decode_id(prefix, object_id))
    except InvalidIdentifier:
        return None


def _by_payment(prefix: str, value: uuid.UUID) -> Start | None:
    row = PaymentIntent.objects.filter(**{_OF_PAYMENT[prefix]: value}).first()
    if row is None:
        return None
    money = money_of([row.id])
    return Start(
        owner=encode_id("acct", row.account_id),
        objects=_objects([row], money),
        payments=[row],
        money=money,
        customer=None if row.customer_id is None else encode_id("cus", row.customer_id),
    )


def _since(object_id: str) -> uuid.UUID:
    """The least id that an event of this object may have."""
    try:
        made = moment_of(decode_id(object_id.partition("_")[0], object_id))
    except (InvalidIdentifier, OverflowError):
        return _FIRST
    return floor_uuid(made - _SKEW)


def _objects(payments: Sequence[PaymentIntent], money: Money) -> list[str]:
    return [row.public_id for row in payments] + [step.id for steps in money.values() for step in steps]


def events_of_request(row: RequestLog, owner: str) -> list[Event]:
    """The first of what a request of that account recorded. One statement."""
    began = moment_of(row.id)
    found = fetch_all(
        _SQL["events_of_request"],
        {
            "owner": owner,
            "request": row.public_id,
            "since": floor_uuid(began),
            "until": floor_uuid(began + _REQUEST_LASTS),
            "window": _WINDOW,
            "limit": _EVENTS,
        },
    )
    return [
        Event(id=event_id, owner=owner, type=type_, object_id=object_id, request_id=row.public_id)
        for event_id, type_, object_id in found
    ]
