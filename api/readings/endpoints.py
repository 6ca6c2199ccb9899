"""Endpoints of all accounts, as operators look for them."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from dispatcher.health import EndpointHealth
from dispatcher.lane_standing import FAILING_STREAK
from dispatcher.models import Endpoint, EndpointStatus

STATUSES = ("enabled", "disabled", "failing", "deleted")
SPARKLINE = timedelta(days=2)

# Why an endpoint has the status that it has, in words.
_REASONS: Mapping[str, str] = {
    "by_request": "by hand or through the API",
    "failing": "nothing but failures came of its attempts for days",
    "http_410_gone": "it answered 410: it is gone",
    "deleted": "it was deleted",
}


def endpoints(*, account: str | None, status: str | None, url: str | None) -> QuerySet[Endpoint]:
    """Each with its lane; deleted ones only where they are asked for. Not ordered yet."""
    rows = Endpoint.objects.select_related("lane")
    rows = rows.exclude(deleted_at=None) if status == "deleted" else rows.filter(deleted_at=None)
    match status:
        case "enabled" | "disabled":
            rows = rows.filter(status=EndpointStatus(status))
        case "failing":
            # As the overview counts them.
            streak = Q(lane__failure_streak__gte=FAILING_STREAK) | Q(lane__circuit_openings__gt=0)
            rows = rows.filter(streak, status=EndpointStatus.ENABLED)
    if account is not None:
        rows = rows.filter(owner=account)
    if url is not None:
        rows = rows.filter(url__icontains=url)
    return rows


def reason_in_words(endpoint: Endpoint) -> str | None:
    """Why it has its status; None where nothing is to be said."""
    reason = endpoint.status_reason
    return None if reason is None else _REASONS.get(reason, reason.replace("_", " "))


def how_it_does(endpoint: Endpoint, health: EndpointHealth | None, now: datetime) -> tuple[str, str]:
    """A sentence on an endpoint, and its tone: ok, warn, bad or idle. Pure."""
    if endpoint.deleted_at is not None:
        return "It was deleted: nothing more is sent here, and its history stays readable.", "idle"
    if endpoint.status == EndpointStatus.DISABLED:
        return "It is disabled: what happens meanwhile is skipped, and can be replayed afterwards.", "bad"
    if health is None:
        return "", "idle"
    if health.disables_at is not None and (health.disable_percent or 0) >= 50:
        so_far, then = f"{health.disable_percent:.0f} %", f"{health.disables_at:%Y-%m-%d %H:%M} UTC"
        return f"Nothing but failures for {so_far} of the time after which it is disabled, at {then}.", "bad"
    if health.circuit == "open":
        return (
            "Its circuit is open: automatic deliveries wait, so that a receiver in trouble is left alone.",
            "bad",
        )
    if health.circuit == "half_open":
        return "Its circuit is half-open: the next delivery tries whether the receiver is back.", "warn"
    if health.failure_streak >= FAILING_STREAK:
        return f"The last {health.failure_streak:,} attempts failed.", "bad"
    if health.held_until is not None and health.held_until > now:
        return "It asked us to wait: automatic deliveries are held back until then.", "warn"
    if health.failure_streak:
        return "The last attempt failed.", "warn"
    if health.last_success_at is None and health.last_failure_at is None:
        return "Nothing was sent here yet.", "idle"
    return "Deliveries arrive.", "ok"
