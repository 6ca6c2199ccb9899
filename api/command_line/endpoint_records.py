"""A webhook endpoint as commands show it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from api.command_line.moments import distance, moment_text, shown_moment
from api.command_line.output import Line, Tone, joined, toned
from core.versions import shown_event_type
from dispatcher.models import Endpoint, EndpointStatus

_SHOWN_EVENTS = 3


def endpoint_record(row: Endpoint) -> dict[str, Any]:
    """For programs. A new endpoint has no moment of the database's clock yet."""
    since = row.status_since if isinstance(row.status_since, datetime) else row.created_at
    return {
        "id": row.public_id,
        "account": row.owner,
        "url": row.url,
        "status": str(row.status),
        "status_reason": row.status_reason,
        "status_since": moment_text(since),
        "enabled_events": _events(row),
        "api_version": row.api_version,
        "description": row.description,
        "metadata": row.metadata,
        "ordered": row.ordered,
        "on_dead_letter": str(row.on_dead_letter),
        "max_in_flight": row.lane.max_in_flight,
        "quantum": row.lane.quantum,
        "rate_limit": row.lane.rate_limit,
        "burst": row.lane.burst,
        "created_at": moment_text(row.created_at),
    }


def endpoint_row(row: Endpoint, now: datetime) -> list[Line]:
    """For a table."""
    return [row.public_id, _status(row, now), _short_events(row), row.api_version, row.url]


def endpoint_lines(row: Endpoint) -> list[Line]:
    """Everything, for people."""
    now = datetime.now(UTC)
    lane = row.lane
    limit = "no rate limit" if lane.rate_limit is None else f"{lane.rate_limit:g}/s, bursts of {lane.burst}"
    order = (
        "in no order" if not row.ordered else f"in order, {row.on_dead_letter} on a dead-lettered delivery"
    )
    lines: list[Line] = [
        joined(toned(row.public_id, Tone.STRONG), f"  {row.url}"),
        joined("  status   ", _status(row, now)),
        f"  events   {', '.join(_events(row))}",
        f"  version  {row.api_version}",
        f"  limits   {lane.max_in_flight} in flight, {lane.quantum} a claim, {limit}",
        f"  order    {order}",
        joined("  circuit  ", _circuit(row, now)),
        f"  account  {row.owner}",
    ]
    if row.description:
        lines.append(f"  for      {row.description}")
    if row.previous_secret_expires_at is not None and row.previous_secret_expires_at > now:
        lines.append(f"  secrets  two sign until {shown_moment(row.previous_secret_expires_at, now)}")
    return lines


def _status(row: Endpoint, now: datetime) -> Line:
    if row.status == EndpointStatus.ENABLED:
        return toned("enabled", Tone.GOOD)
    since = row.status_since if isinstance(row.status_since, datetime) else now
    # Its own change has a moment that is younger than ours by the way there and back.
    return joined(
        toned("disabled", Tone.BAD),
        f" ({row.status_reason or 'no reason given'}) {distance(min(since, now), now)}",
    )


def _circuit(row: Endpoint, now: datetime) -> Line:
    lane = row.lane
    if not lane.circuit_openings:
        failures = f", {lane.failure_streak} failures in a row" if lane.failure_streak else ""
        return joined(toned("closed", Tone.GOOD), failures)
    if lane.circuit_until > now:
        return joined(
            toned("open", Tone.BAD), f", the next probe {distance(lane.circuit_until, now + timedelta())}"
        )
    return joined(toned("half-open", Tone.WARNING), ", one delivery at a time")


def _events(row: Endpoint) -> list[str]:
    return [shown_event_type(name, row.api_version) for name in row.enabled_events]


def _short_events(row: Endpoint) -> str:
    names = _events(row)
    more = f" and {len(names) - _SHOWN_EVENTS} more" if len(names) > _SHOWN_EVENTS else ""
    return ", ".join(names[:_SHOWN_EVENTS]) + more
