"""Endpoints that failed for too long, or said that they are gone: their owner is warned, then they are disabled.

A lane keeps since when nothing but failures came of its automatic attempts. Recording tells which lanes have come
to a mark (dispatcher/protection.py); what follows from that has a transaction of its own, since endpoints are locked
before deliveries and lanes.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from dispatcher.config import dispatcher_settings
from dispatcher.deliveries import database_now
from dispatcher.lanes import wake_lanes
from dispatcher.models import Endpoint, EndpointStatus, Lane
from dispatcher.protection import DISABLE_AT, MARKS
from dispatcher.reasons import Reason
from outbox.recording import record_event

DISABLED_EVENT_TYPE = "endpoint.disabled"
FAILING_EVENT_TYPE = "endpoint.failing"
FAILING = Reason.FAILING.value
GONE = "http_410_gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Disabled:
    """An endpoint that gets nothing more."""

    endpoint_id: uuid.UUID
    public_id: str
    reason: str


def disable_endpoints(
    *, gone: Collection[uuid.UUID] = (), failing: Collection[uuid.UUID] = ()
) -> list[Disabled]:
    """Disable what is `gone`, and warn of or disable what is `failing`; opens a transaction of its own.

    Whether an endpoint still fails, and for how long, is looked at again under its locks: it may have succeeded,
    or another dispatcher may have been here before. The event that tells its owner commits with the change.
    """
    disabled = []
    with transaction.atomic(durable=True):
        endpoints = list(
            Endpoint.objects.select_for_update(no_key=True)
            .filter(
                Q(id__in=gone) | Q(id__in=failing), status=EndpointStatus.ENABLED, deleted_at__isnull=True
            )
            .order_by("id")
        )
        lanes = {
            lane.endpoint_id: lane
            for lane in Lane.objects.select_for_update(no_key=True)
            .filter(endpoint_id__in=[endpoint.id for endpoint in endpoints])
            .order_by("endpoint_id")
            .only("failing_since", "warned_percent")
        }
        now = database_now()
        for endpoint in endpoints:
            lane = lanes[endpoint.id]
            mark = _mark(lane, now)
            if endpoint.id in gone or mark == DISABLE_AT:
                reason = GONE if endpoint.id in gone else FAILING
                _disable(endpoint, lane, reason=reason, now=now)
                disabled.append(
                    Disabled(endpoint_id=endpoint.id, public_id=endpoint.public_id, reason=reason)
                )
            elif mark > lane.warned_percent:
                _warn(endpoint, lane, percent=mark)
        wake_lanes([one.endpoint_id for one in disabled], now, ignore_hold=True)
    return disabled


def _mark(lane: Lane, now: datetime) -> int:
    """The last mark that the span of nothing but failures has come to; 0 before the first."""
    disable_after = dispatcher_settings().protection.disable_after
    if disable_after is None or lane.failing_since is None:
        return 0
    percent = (now - lane.failing_since) / disable_after * 100
    return max((mark for mark in MARKS if mark <= percent), default=0)


def _disable(endpoint: Endpoint, lane: Lane, *, reason: str, now: datetime) -> None:
    Endpoint.objects.filter(id=endpoint.id).update(
        status=EndpointStatus.DISABLED, status_reason=reason, status_since=now
    )
    # What was under way may still fail: nothing more is to be told.
    Lane.objects.filter(endpoint_id=endpoint.id).update(warned_percent=DISABLE_AT)
    _tell(
        endpoint,
        DISABLED_EVENT_TYPE,
        status=EndpointStatus.DISABLED,
        reason=reason,
        disabled_at=_seconds(now),
        failing_since=_seconds(lane.failing_since),
    )


def _warn(endpoint: Endpoint, lane: Lane, *, percent: int) -> None:
    disable_after = dispatcher_settings().protection.disable_after or timedelta()
    assert lane.failing_since is not None
    Lane.objects.filter(endpoint_id=endpoint.id).update(warned_percent=percent)
    _tell(
        endpoint,
        FAILING_EVENT_TYPE,
        status=EndpointStatus.ENABLED,
        percent=percent,
        failing_since=_seconds(lane.failing_since),
        disables_at=_seconds(lane.failing_since + disable_after),
    )


def _tell(endpoint: Endpoint, type: str, *, status: EndpointStatus, **facts: Any) -> None:
    """Record an event about an endpoint for its owner."""
    record_event(
        owner=endpoint.owner,
        type=type,
        object_id=endpoint.public_id,
        data={
            "id": endpoint.public_id,
            "object": "webhook_endpoint",
            "url": endpoint.url,
            "status": status.value,
            **facts,
        },
    )


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())
