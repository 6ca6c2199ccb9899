"""Endpoints: where an owner's events go, and the services that change them.

Each service follows one order of locks: the endpoint, then deliveries, then its lane. Those that may judge
a URL open a transaction of their own, after its name is resolved; the others join an open one.
"""

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from dispatcher.config import dispatcher_settings
from dispatcher.deliveries import create_delivery_by_hand, database_now, get_delivery
from dispatcher.errors import EndpointNotFound, InvalidEndpoint, TooManyEndpoints
from dispatcher.heads import forget_stopped_keys, release_from_order
from dispatcher.lanes import LaneTouches, touch_lanes, wake_lanes
from dispatcher.limits import LIMIT_FIELDS, Limits
from dispatcher.models import DeliveryRecord, Endpoint, EndpointStatus, Lane, OnDeadLetter
from dispatcher.sealing import seal
from dispatcher.signing import new_secret
from dispatcher.urls import check_addresses
from outbox.database import execute, fetch_all
from outbox.identifiers import new_uuid
from outbox.recording import record_event
from outbox.sql import statements

MAX_SECRET_OVERLAP = timedelta(hours=24)
TEST_EVENT_TYPE = "endpoint.test"
_SQL = statements("dispatcher.sql")
_PLAIN_FIELDS = frozenset(
    {"enabled_events", "description", "metadata", "ordered", "on_dead_letter", "send_traceparent"}
)
_TOLD_FIELDS = ("url", "status", "status_reason", *sorted(_PLAIN_FIELDS))
_RELEASED_AT_ONCE = 1_000


def create_endpoint(
    *,
    owner: str,
    url: str,
    enabled_events: Sequence[str],
    api_version: str,
    description: str | None = None,
    metadata: Mapping[str, str] | None = None,
    max_in_flight: int | None = None,
    quantum: int | None = None,
    rate_limit: float | None = None,
    burst: int | None = None,
    ordered: bool = False,
    on_dead_letter: str = OnDeadLetter.CONTINUE,
    send_traceparent: bool = False,
    on_write: Callable[[Endpoint, str], None] | None = None,
) -> tuple[Endpoint, str]:
    """A new enabled endpoint, and its signing secret, which is shown this once.

    Args:
        enabled_events: event types, or `"*"` for all of them.
        api_version: the version its events are rendered in, for as long as it lives.
        max_in_flight: how many of its deliveries may be leased at once; default `DISPATCHER["MAX_IN_FLIGHT"]`.
        quantum: how many of them one claim takes at most; default `max_in_flight`.
        rate_limit: deliveries a second; None is no limit.
        burst: how many may go at once after a quiet time; default a second's worth.
        ordered: one delivery of each order key at a time, in the order of their events.
        on_dead_letter: "continue" or "stop", what becomes of those behind a dead-lettered one.
        send_traceparent: each request carries W3C's `traceparent`, where its event is of a trace.
        on_write: runs first in the transaction, with the endpoint as it will be and its secret.

    Raises:
        UrlRefused: the URL breaks the rules, does not resolve, or leads to an address that is not public.
        TooManyEndpoints: the owner has `DISPATCHER["MAX_ENDPOINTS_PER_OWNER"]` already.
        InvalidEndpoint: a limit is out of range; `on_dead_letter` is unknown, or "stop" without order.
    """
    settings = dispatcher_settings()
    secret = new_secret()
    endpoint = Endpoint(
        id=new_uuid(),
        owner=owner,
        url=_checked(url),
        description=description,
        metadata=dict(metadata or {}),
        enabled_events=list(enabled_events),
        api_version=api_version,
        status=EndpointStatus.ENABLED,
        secret=seal(secret),
        ordered=ordered,
        on_dead_letter=checked_end(on_dead_letter, ordered=ordered),
        send_traceparent=send_traceparent,
    )
    width = settings.max_in_flight if max_in_flight is None else max_in_flight
    limits = Limits(max_in_flight=width, quantum=width).changed(
        {"quantum": quantum, "rate_limit": rate_limit, "burst": burst}
    )
    endpoint.lane = Lane(endpoint=endpoint, **limits.columns())
    with transaction.atomic(durable=True):
        if on_write is not None:
            on_write(endpoint, secret)
        created = fetch_all(
            _SQL["create_endpoint"],
            {
                "id": endpoint.id,
                "owner": owner,
                "url": endpoint.url,
                "description": description,
                "metadata": json.dumps(endpoint.metadata),
                "enabled_events": endpoint.enabled_events,
                "api_version": api_version,
                "secret": endpoint.secret,
                **limits.columns(),
                "ordered": ordered,
                "on_dead_letter": on_dead_letter,
                "send_traceparent": send_traceparent,
                "limit": settings.max_endpoints_per_owner,
            },
        )
        if not created:
            raise TooManyEndpoints(settings.max_endpoints_per_owner)
    endpoint.status_since = created[0][0]
    return endpoint, secret


def endpoints_of(owner: str) -> QuerySet[Endpoint]:
    """An owner's endpoints that are not deleted, newest first, each with its lane."""
    return Endpoint.objects.select_related("lane").filter(owner=owner, deleted_at=None).order_by("-id")


def get_endpoint(*, owner: str, endpoint_id: uuid.UUID) -> Endpoint:
    """Raises EndpointNotFound, in the same words for another owner's as for one that never was."""
    endpoint = endpoints_of(owner).filter(id=endpoint_id).first()
    if endpoint is None:
        raise EndpointNotFound(endpoint_id)
    return endpoint


def update_endpoint(
    *,
    owner: str,
    endpoint_id: uuid.UUID,
    changes: Mapping[str, Any],
    on_write: Callable[[Mapping[str, Any], Mapping[str, Any]], None] | None = None,
) -> Endpoint:
    """Change any of url, enabled_events, description, metadata, status, ordered, on_dead_letter, send_traceparent,
    and the limits.

    A change may be a function of what is held, called under the endpoint's lock: metadata is merged so.

    What falls due while an endpoint is disabled ends as cancelled; what is due later goes on when it is
    enabled again before that. An endpoint that is enabled again, or gets another URL, begins anew: its circuit is
    closed and its failures are forgotten. A subscription counts for events matched after it, and so does ordering;
    when it is switched off, what waits behind heads is let go, and stopped keys go on. That takes further
    transactions where much waits; should the process die between them, the rest goes on in its order.

    Args:
        on_write: runs in the transaction of the change, with what the endpoint held before and what it holds then, by
            the names of its columns; with the limits, where any was given.

    Raises:
        EndpointNotFound, UrlRefused, InvalidEndpoint.
    """
    changes = dict(changes)
    if "url" in changes:
        changes["url"] = _checked(changes["url"])
    limits = {name: value for name, value in changes.items() if name in LIMIT_FIELDS}
    with transaction.atomic(durable=True):
        endpoint = _locked(owner, endpoint_id)
        begins_anew = changes.get("url", endpoint.url) != endpoint.url
        was_ordered = endpoint.ordered
        before = _told(endpoint)
        for name in changes.keys() & (_PLAIN_FIELDS | {"url"}):
            value = changes[name]
            setattr(endpoint, name, value(getattr(endpoint, name)) if callable(value) else value)
        if "on_dead_letter" in changes:
            checked_end(endpoint.on_dead_letter, ordered=endpoint.ordered)
        status = changes.get("status")
        if status is not None and status != endpoint.status:
            endpoint.status = EndpointStatus(status)
            endpoint.status_reason = None if status == EndpointStatus.ENABLED else "by_request"
            endpoint.status_since = Now()
            begins_anew = begins_anew or status == EndpointStatus.ENABLED
        endpoint.save()
        after = _told(endpoint)
        if limits:
            held = Limits(
                **Lane.objects.select_for_update(no_key=True).values(*LIMIT_FIELDS).get(endpoint=endpoint)
            )
            limited = held.changed(limits)
            execute(_SQL["limit_lane"], {**limited.columns(), "endpoint_id": endpoint.id})
            before |= held.columns()
            after |= limited.columns()
        if on_write is not None:
            on_write(before, after)
        if begins_anew:
            execute(_SQL["forget_failures"], {"endpoint_id": endpoint.id})
        touches = LaneTouches()
        touches[endpoint.id].wake(database_now(), ignore_hold=True)
        if endpoint.ordered != was_ordered:
            touches[endpoint.id].order_keys.update(forget_stopped_keys(endpoint.id))
        touch_lanes(touches)
    if was_ordered and not endpoint.ordered:
        while _release_some_from_order(endpoint.id):
            pass
    return Endpoint.objects.select_related("lane").get(id=endpoint.id)


def delete_endpoint(
    *, owner: str, endpoint_id: uuid.UUID, on_write: Callable[[Endpoint], None] | None = None
) -> None:
    """Send nothing more there. Soft: deliveries end as cancelled, and history stays readable.

    Args:
        on_write: runs in the transaction of the change, with the endpoint as it was.

    Raises:
        EndpointNotFound: as get_endpoint.
    """
    with transaction.atomic(durable=True):
        endpoint = _locked(owner, endpoint_id)
        Endpoint.objects.filter(id=endpoint.id).update(
            deleted_at=Now(), status=EndpointStatus.DISABLED, status_reason="deleted", status_since=Now()
        )
        if on_write is not None:
            on_write(endpoint)
        forget_stopped_keys(endpoint.id)
        wake_lanes([endpoint.id], database_now(), ignore_hold=True)


def roll_secret(*, owner: str, endpoint_id: uuid.UUID, overlap: timedelta) -> tuple[Endpoint, str]:
    """A new signing secret, shown this once; the old one signs too until `overlap` (0 to 24 h) has passed.

    Raises:
        EndpointNotFound, InvalidEndpoint.
    """
    if not timedelta(0) <= overlap <= MAX_SECRET_OVERLAP:
        raise InvalidEndpoint(field="overlap_seconds", reason="must be between 0 and 86400")
    secret = new_secret()
    with transaction.atomic():
        endpoint = _locked(owner, endpoint_id)
        endpoint.previous_secret = endpoint.secret if overlap else None
        endpoint.previous_secret_expires_at = database_now() + overlap if overlap else None
        endpoint.secret = seal(secret)
        endpoint.save(update_fields=["secret", "previous_secret", "previous_secret_expires_at"])
    return endpoint, secret


def send_test_event(
    *,
    owner: str,
    endpoint_id: uuid.UUID,
    request_id: str | None = None,
    idempotency_key: str | None = None,
) -> DeliveryRecord:
    """Record an `endpoint.test` event and its delivery to this endpoint alone, disabled or not.

    Raises:
        EndpointNotFound: as get_endpoint.
    """
    with transaction.atomic():
        endpoint = _locked(owner, endpoint_id)
        event = record_event(
            owner=owner,
            type=TEST_EVENT_TYPE,
            object_id=endpoint.public_id,
            data={"id": endpoint.public_id, "object": "webhook_endpoint", "url": endpoint.url},
            request_id=request_id,
            idempotency_key=idempotency_key,
            fan_out=False,
        )
        delivery_id = create_delivery_by_hand(owner=owner, endpoint_id=endpoint.id, event_id=event.id)
    return get_delivery(owner=owner, delivery_id=delivery_id)


def checked_end(on_dead_letter: str, *, ordered: bool) -> str:
    """What becomes of those behind a dead-lettered one, as it is stored. Raises InvalidEndpoint."""
    if on_dead_letter not in OnDeadLetter.values:
        known = " or ".join(f"'{value}'" for value in OnDeadLetter.values)
        raise InvalidEndpoint(field="on_dead_letter", reason=f"must be {known}, not {on_dead_letter!r}")
    if on_dead_letter == OnDeadLetter.STOP and not ordered:
        raise InvalidEndpoint(
            field="on_dead_letter",
            reason="'stop' stops an order key, and the endpoint is not ordered; set ordered to true with it",
        )
    return on_dead_letter


def _told(endpoint: Endpoint) -> dict[str, Any]:
    return {name: getattr(endpoint, name) for name in _TOLD_FIELDS}


def _locked(owner: str, endpoint_id: uuid.UUID) -> Endpoint:
    rows = endpoints_of(owner).select_related(None).select_for_update(no_key=True)
    endpoint = rows.filter(id=endpoint_id).first()
    if endpoint is None:
        raise EndpointNotFound(endpoint_id)
    return endpoint


def _release_some_from_order(endpoint_id: uuid.UUID) -> bool:
    """Whether more may be left; a transaction of its own. Nothing is let go once ordering is on again."""
    with transaction.atomic(durable=True):
        unordered = Endpoint.objects.select_for_update(no_key=True).filter(id=endpoint_id, ordered=False)
        if unordered.first() is None:
            return False
        wake_lanes([endpoint_id], database_now())
        return release_from_order(endpoint_id, limit=_RELEASED_AT_ONCE) == _RELEASED_AT_ONCE


def _checked(url: str) -> str:
    settings = dispatcher_settings()
    return check_addresses(url, settings.url_rules, settings.address_policy).text
