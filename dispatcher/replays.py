"""Replays: an operator's resend of what an endpoint failed to take, or was never sent.

A replay makes deliveries by hand, each due a little after the one before: the schedule paces them, whoever made
it may end. So it survives its command, and a second one makes nothing that is still under way.
"""

import math
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from dispatcher.deliveries import database_now
from dispatcher.endpoints import TEST_EVENT_TYPE
from dispatcher.errors import EndpointNotFound, ReplayRefused
from dispatcher.lanes import wake_lanes
from dispatcher.models import Endpoint, EndpointStatus
from outbox.database import execute, fetch_all
from outbox.identifiers import floor_uuid
from outbox.sql import statements

# What to replay, and the statement that finds it.
KINDS = {"failed": "failed_to_replay", "missing": "missing_to_replay"}
MAX_RATE = 10_000.0
CHUNK = 500
_SQL = statements("dispatcher.sql")
# Deliveries are younger than their events; their ids come from another clock, which may be behind so much.
_CLOCKS_APART = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a replay has found and made so far."""

    found: int = 0  # deliveries to make
    made: int = 0  # fewer only in a dry run, where none is
    first_due_at: datetime | None = None
    last_due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    """What is looked for: the parameters of both statements."""

    endpoint: Endpoint
    only: str
    since: datetime
    until: datetime

    @property
    def beginning(self) -> uuid.UUID:
        """The last id before `since`: a window begins behind an id."""
        return uuid.UUID(int=max(0, floor_uuid(self.since).int - 1))

    def window(self, after: uuid.UUID) -> tuple[uuid.UUID | None, list[tuple[uuid.UUID, int]]]:
        """The end of the next window, None where there is none, and (event, number of its resend) in it."""
        rows = fetch_all(
            _SQL[KINDS[self.only]],
            {
                "owner": self.endpoint.owner,
                "endpoint_id": self.endpoint.id,
                "enabled_events": self.endpoint.enabled_events,
                "test_event_type": TEST_EVENT_TYPE,
                "after": after,
                "before": floor_uuid(self.until),
                "oldest": floor_uuid(self.since - _CLOCKS_APART),
                "window": CHUNK,
            },
        )
        return rows[0][0], [(event_id, number) for _, event_id, number in rows if event_id is not None]


def replay_deliveries(
    *,
    owner: str,
    endpoint_id: uuid.UUID,
    since: datetime,
    until: datetime | None = None,
    only: str = "failed",
    rate: float = 20.0,
    dry_run: bool = False,
    progress: Callable[[Replayed], None] | None = None,
) -> Replayed:
    """Send an endpoint again what it failed to take, or for the first time what it was never sent.

    One transaction for every 500 deliveries; requires that none is open. What was made stays where a later
    chunk fails, and a second replay goes on with the rest.

    Args:
        since: of events recorded from then on; `until` (default: now) is exclusive.
        only: "failed" are events whose newest delivery was dead-lettered, or cancelled because the endpoint
            was disabled; "missing" are subscribed events without a delivery, or skipped for that reason.
        rate: deliveries a second. A replay begins behind what an earlier one still has before it.
        dry_run: only count.
        progress: called after every chunk.

    Raises:
        EndpointNotFound: as get_endpoint.
        ReplayRefused: the endpoint is disabled or deleted, now or before a later chunk; or an argument is out of range.
    """
    _check(since, until, only, rate)
    endpoint = _replayable(owner, endpoint_id)
    search = _Search(endpoint=endpoint, only=only, since=since, until=until or database_now())
    done = Replayed()
    for done in _count(search) if dry_run else _make(search, timedelta(seconds=1 / rate)):
        if progress is not None:
            progress(done)
    return done


def _count(search: _Search) -> Iterator[Replayed]:
    done, after = Replayed(), search.beginning
    while True:
        last, found = search.window(after)
        if last is None:
            return
        done, after = replace(done, found=done.found + len(found)), last
        yield done


def _make(search: _Search, gap: timedelta) -> Iterator[Replayed]:
    done, after = Replayed(), search.beginning
    while True:
        with transaction.atomic(durable=True):
            endpoint = _replayable(search.endpoint.owner, search.endpoint.id, lock=True)
            last, found = replace(search, endpoint=endpoint).window(after)
            if found:
                done = _make_chunk(endpoint, found, gap, done)
        if last is None:
            return
        after = last
        yield done


def _make_chunk(
    endpoint: Endpoint, found: list[tuple[uuid.UUID, int]], gap: timedelta, done: Replayed
) -> Replayed:
    first: datetime
    if done.last_due_at is None:
        first = fetch_all(_SQL["begin_replay"], {"endpoint_id": endpoint.id, "gap": gap})[0][0]
    else:
        first = done.last_due_at + gap
    parameters: dict[str, Any] = {
        "owner": endpoint.owner,
        "endpoint_id": endpoint.id,
        "event_ids": [event_id for event_id, _ in found],
        "resend_nos": [number for _, number in found],
        "first_due_at": first,
        "gap": gap,
    }
    execute(_SQL["create_replays"], parameters)
    wake_lanes([endpoint.id], first, ignore_hold=True)
    return Replayed(
        found=done.found + len(found),
        made=done.made + len(found),
        first_due_at=done.first_due_at or first,
        last_due_at=first + (len(found) - 1) * gap,
    )


def _check(since: datetime, until: datetime | None, only: str, rate: float) -> None:
    if only not in KINDS:
        known = " or ".join(f"'{kind}'" for kind in KINDS)
        raise ReplayRefused(field="only", reason=f"must be {known}, not {only!r}")
    if not (math.isfinite(rate) and 0 < rate <= MAX_RATE):
        raise ReplayRefused(
            field="rate", reason=f"must be above 0 and at most {MAX_RATE:g} deliveries a second, not {rate:g}"
        )
    now = database_now()
    if since > now:
        raise ReplayRefused(
            field="since", reason=f"is in the future ({since.isoformat()}; it is {now.isoformat()} now)"
        )
    if until is not None and until <= since:
        raise ReplayRefused(field="until", reason="must be later than since")


def _replayable(owner: str, endpoint_id: uuid.UUID, *, lock: bool = False) -> Endpoint:
    rows = Endpoint.objects.select_for_update(no_key=True) if lock else Endpoint.objects.all()
    endpoint = rows.filter(owner=owner, id=endpoint_id).first()
    if endpoint is None:
        raise EndpointNotFound(endpoint_id)
    if endpoint.deleted_at is not None:
        raise ReplayRefused(
            field="endpoint",
            reason=f"{endpoint.public_id} was deleted at {endpoint.deleted_at:%Y-%m-%d %H:%M:%S} UTC; create an "
            "endpoint for its URL, and replay to that one what is missing there",
        )
    if endpoint.status != EndpointStatus.ENABLED:
        raise ReplayRefused(
            field="endpoint",
            reason=f"{endpoint.public_id} is disabled since {endpoint.status_since:%Y-%m-%d %H:%M:%S} UTC "
            f"({endpoint.status_reason or 'no reason given'}); enable it first",
        )
    return endpoint
