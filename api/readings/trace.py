"""The whole way of what an id names: request, payment, events, each endpoint's decision, attempts.

From any id to a start (what is looked up first), from the start to events, from those to decisions. At most nine
statements, each along an index and no further than the limits below.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils import timezone

from api.readings import starts
from api.readings.decisions import decision_of, decision_without_delivery, summary
from api.readings.identifying import NothingKnown, identify
from api.readings.payments import payment_step
from api.readings.requests import request_steps
from api.readings.starts import Start
from api.readings.steps import Decision, EndpointStep, EventStep, RequestStep, Trace
from dispatcher.config import dispatcher_settings
from dispatcher.endpoints import TEST_EVENT_TYPE
from dispatcher.history import (
    PastAttempt,
    PastDelivery,
    attempts_of_deliveries,
    deliveries_of_events,
    past_delivery,
)
from dispatcher.models import Endpoint
from dispatcher.waiting import with_lanes
from outbox.models import Event

EVENTS = 20
DELIVERIES = 100  # of all events together
DELIVERIES_OF_ONE = 25
ATTEMPTS = 15
ENDPOINTS = 50  # of an owner, beside those that have deliveries


def trace(text: str, *, owner: str | None = None) -> Trace:
    """The whole way of what `text` names.

    Args:
        owner: an account, of which alone anything is shown; None shows what there is.

    Raises:
        NotTraceable: it is no id, or of a kind that is not known.
        NothingKnown: nothing is stored under it, or it is another account's.
    """
    named = identify(text)
    start = starts.find(named, owner=owner)
    if start is None or (owner is not None and start.owner != owner):
        raise NothingKnown(named)
    events, more_events = _events(start)
    around = _Around()
    if start.owner is not None:
        around = _decided(start, events)
    steps = tuple(_event_step(event, around, start) for event in events)
    return Trace(
        id=named.text,
        kind=named.kind.noun,
        owner=start.owner,
        requests=_requests(start, events),
        payments=tuple(payment_step(row, start.money) for row in start.payments),
        endpoint=None if start.endpoint is None else endpoint_step(start.endpoint),
        customer=start.customer,
        events=steps,
        more_events=more_events,
        sentence=summary(steps, more=more_events),
    )


def _requests(start: Start, events: Sequence[Event]) -> tuple[RequestStep, ...]:
    """Of an endpoint or an account they would be a list of anybody's."""
    if start.deliveries is not None or start.whole_account:
        return ()
    return request_steps(start.request, [event.request_id for event in events])


@dataclass(slots=True)
class _Around:
    """What there is of the events' deliveries."""

    deliveries: dict[uuid.UUID, list[PastDelivery]] = field(default_factory=dict)
    attempts: dict[uuid.UUID, list[PastAttempt]] = field(default_factory=dict)
    endpoints: dict[uuid.UUID, Endpoint] = field(default_factory=dict)
    more: set[uuid.UUID] = field(default_factory=set)  # events with more deliveries than are shown
    more_endpoints: bool = False


def _events(start: Start) -> tuple[list[Event], bool]:
    """In the order in which they happened, or of an endpoint and an account the newest first."""
    if start.owner is None:
        return [], False
    rows = starts.events()
    if start.deliveries is not None:
        wanted = list(dict.fromkeys(delivery.event_id for delivery in start.deliveries))[:EVENTS]
        found = {event.id: event for event in rows.filter(id__in=wanted)}
        shown = [found.get(event_id) or starts.expired_event(event_id, start.owner) for event_id in wanted]
        return shown, len(start.deliveries) > EVENTS
    if start.whole_account:
        page = list(rows.filter(owner=start.owner).order_by("-id")[: EVENTS + 1])
    elif start.objects:
        page = starts.events_of_objects(start.objects, owner=start.owner, limit=EVENTS + 1)
    else:
        page = []
    more, page = len(page) > EVENTS, page[:EVENTS]
    # What was asked for is shown, whatever came before it.
    known = {event.id for event in page}
    return [*page, *(event for event in start.events if event.id not in known)], more


def _decided(start: Start, events: Sequence[Event]) -> _Around:
    """Three statements: deliveries, their attempts, the endpoints; and one for a focus that is not among them."""
    assert start.owner is not None
    around = _Around()
    each = max(1, min(DELIVERIES_OF_ONE, DELIVERIES // max(1, len(events))))
    if start.deliveries is not None:
        each, flat = len(start.deliveries), list(start.deliveries)[:EVENTS]
    else:
        ids = [event.id for event in events]
        flat = deliveries_of_events(owner=start.owner, event_ids=ids, limit=each + 1)
    if start.focus is not None and all(delivery.id != start.focus for delivery in flat):
        flat += [past for past in [past_delivery(start.focus)] if past is not None]
    kept: list[PastDelivery] = []
    for delivery in flat:
        of_event = around.deliveries.setdefault(delivery.event_id, [])
        if len(of_event) >= each and delivery.id != start.focus:
            around.more.add(delivery.event_id)
            continue
        of_event.append(delivery)
        kept.append(delivery)
    for attempt in attempts_of_deliveries(kept, limit=ATTEMPTS):
        around.attempts.setdefault(attempt.delivery_id, []).append(attempt)
    if start.endpoint is not None:
        around.endpoints = {start.endpoint.id: start.endpoint}
    elif events:
        _find_endpoints(around, start.owner, {delivery.endpoint_id for delivery in kept})
    return around


def _find_endpoints(around: _Around, owner: str, used: set[uuid.UUID]) -> None:
    """Those that have deliveries, deleted ones too, and the owner's others."""
    endpoints = with_lanes(Endpoint.objects.defer("secret", "previous_secret", "metadata"))
    others = endpoints.filter(owner=owner, deleted_at=None).order_by("-id")[: ENDPOINTS + 1]
    rows = list(endpoints.filter(id__in=used).union(others) if used else others)
    beside = [row for row in rows if row.id not in used]
    around.more_endpoints = len(beside) + len(used) > ENDPOINTS and len(rows) > ENDPOINTS
    around.endpoints = {row.id: row for row in rows}


def _event_step(event: Event, around: _Around, start: Start) -> EventStep:
    pending: bool = event.pending  # type: ignore[attr-defined]
    policy, now = dispatcher_settings().retry_policy, timezone.now()
    deliveries = around.deliveries.get(event.id, [])
    decisions: list[Decision] = [
        decision_of(
            delivery,
            around.attempts.get(delivery.id, []),
            endpoint=around.endpoints.get(delivery.endpoint_id),
            max_attempts=policy.max_attempts,
            now=now,
        )
        for delivery in deliveries
    ]
    more = event.id in around.more
    # A test event has one receiver. Where deliveries are cut off, nobody can say who has none.
    if event.type != TEST_EVENT_TYPE and not more and start.deliveries is None:
        with_delivery = {delivery.endpoint_id for delivery in deliveries}
        others = [row for row in around.endpoints.values() if row.id not in with_delivery]
        decisions += [
            decision_without_delivery(event, row, waits_for_fan_out=pending)
            for row in sorted(others, key=lambda row: row.id)
            if row.deleted_at is None
        ]
        more = around.more_endpoints
    return EventStep(
        id=event.public_id,
        type=event.type,
        object_id=event.object_id,
        created_at=event.created_at,
        request=event.request_id,
        waits_for_fan_out=pending,
        decisions=tuple(decisions),
        more_decisions=more,
    )


def endpoint_step(row: Endpoint) -> EndpointStep:
    deleted = row.deleted_at is not None
    return EndpointStep(
        id=row.public_id,
        url=row.url,
        status="deleted" if deleted else str(row.status),
        status_reason=row.status_reason,
        status_since=row.deleted_at or row.status_since,
        enabled_events=tuple(row.enabled_events),
    )
