"""What the pages show of the account: by public id, and in words for whoever gives another one."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.http import Http404
from django.utils import timezone

from api.pages.filters import KINDS
from api.portal.pages import Portal
from dispatcher.endpoints import endpoints_of
from dispatcher.models import Endpoint
from dispatcher.waiting import with_lanes
from outbox.errors import InvalidIdentifier
from outbox.identifiers import decode_id
from outbox.models import Event

# So many are offered in a list to choose from; more are found by their id.
OFFERED = 200


def identified(text: str, prefix: str) -> uuid.UUID:
    """The UUID of a public id in an address. Raises Http404, which says what kind of id it is instead."""
    try:
        return decode_id(prefix, text)
    except InvalidIdentifier:
        shown, noun = text[:60], KINDS[prefix]
        other = KINDS.get(text.partition("_")[0])
        if other is not None and not text.startswith(f"{prefix}_"):
            raise Http404(f"{shown!r} is the id of {other}, not of {noun}. Use “Find” above.") from None
        raise Http404(f"{shown!r} is no id of {noun}: {prefix}_ and 22 letters or digits.") from None


def endpoint_named(portal: Portal, text: str) -> Endpoint:
    """One endpoint of the account, with its lane. Raises Http404. One statement."""
    endpoint = with_lanes(endpoints_of(portal.owner)).filter(id=identified(text, "we")).first()
    if endpoint is None:
        raise Http404(f"There is no endpoint {text[:60]!r} in this account, or it was deleted.")
    return endpoint


def event_named(portal: Portal, text: str) -> Event:
    """One event of the account. Raises Http404. One statement."""
    event = Event.objects.filter(owner=portal.owner, id=identified(text, "evt")).first()
    if event is None:
        raise Http404(
            f"There is no event {text[:60]!r} in this account, or it is older than events are kept."
        )
    return event


def offered_endpoints(portal: Portal, *, chosen: Endpoint | None = None) -> list[Endpoint]:
    """The account's newest endpoints, for a list to choose from, and the one that is chosen already. One statement."""
    newest = list(endpoints_of(portal.owner)[:OFFERED])
    return newest if chosen is None or chosen in newest else [chosen, *newest]


def endpoints_with(portal: Portal, ids: set[uuid.UUID]) -> dict[uuid.UUID, Endpoint]:
    """Endpoints of the account by their ids, deleted ones too, with their lanes. One statement."""
    return with_lanes(Endpoint.objects.filter(owner=portal.owner)).in_bulk(ids)


@dataclass(frozen=True, slots=True)
class Health:
    """What is the matter with an endpoint, in a sentence; empty where nothing is."""

    tone: str  # a class of notices
    text: str


def health_of(endpoint: Endpoint, *, now: datetime | None = None) -> Health | None:
    """Read from the endpoint and its lane: no statement."""
    now = now or timezone.now()
    if endpoint.status != "enabled":
        return None
    lane = endpoint.lane
    if lane.circuit_openings and lane.circuit_until > now:
        return Health(
            "error",
            f"{lane.failure_streak} attempts in a row failed, so deliveries pause; one is tried at "
            f"{lane.circuit_until:%H:%M:%S} UTC, and the rest goes on when it succeeds. Nothing is lost by it.",
        )
    if lane.circuit_openings:
        return Health(
            "warning", "After failures in a row, one delivery at a time is tried until one succeeds."
        )
    if lane.failing_since is not None and lane.warned_percent:
        return Health(
            "error",
            f"Nothing but failures since {lane.failing_since:%Y-%m-%d %H:%M} UTC: {lane.warned_percent} % of the time "
            "has passed after which it is disabled.",
        )
    return None
