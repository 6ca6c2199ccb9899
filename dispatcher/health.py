"""How endpoints do: circuit, hold, failures on the way to being disabled, queue, last success and failure."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from dispatcher.config import dispatcher_settings
from dispatcher.protection import DISABLE_AT, MARKS
from outbox.database import fetch_all
from outbox.sql import statements

QUEUE_COUNTED = 1_000
MAX_ENDPOINTS = 200
_SQL = statements("dispatcher.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointHealth:
    """One endpoint at one moment."""

    endpoint_id: uuid.UUID
    enabled: bool
    circuit: Literal["closed", "open", "half_open"]
    circuit_until: datetime | None  # when an open one becomes half-open
    held_until: datetime | None  # its own wish: a 429, or Retry-After
    failing_since: datetime | None  # since when nothing but failures came of automatic attempts
    failure_streak: int  # failed attempts since the last success
    disable_percent: (
        float | None
    )  # of the way to being disabled; None where it does not fail, or is never disabled
    warned_percent: int  # the last mark (50, 70, 90) that it has passed; 0 before the first
    disables_at: datetime | None
    in_flight: int
    max_in_flight: int
    waiting: int  # deliveries that are not leased, due or scheduled; counted up to QUEUE_COUNTED
    oldest_due_at: datetime | None  # of the automatic ones; in the future where all of them are scheduled
    last_success_at: datetime | None  # the minute in which it began, of the hour where that is a week ago
    last_failure_at: datetime | None

    @property
    def failing(self) -> bool:
        return self.enabled and (self.circuit != "closed" or self.failure_streak > 0)


def endpoint_health(*, endpoint_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, EndpointHealth]:
    """By endpoint, those that do not exist left out; one statement.

    Raises:
        ValueError: more than 200 at once.
    """
    if len(endpoint_ids) > MAX_ENDPOINTS:
        raise ValueError(f"at most {MAX_ENDPOINTS} endpoints at once, not {len(endpoint_ids)}")
    if not endpoint_ids:
        return {}
    rows = fetch_all(_SQL["endpoint_health"], {"endpoint_ids": list(endpoint_ids), "most": QUEUE_COUNTED})
    return {row[0]: _health(*row) for row in rows}


def _health(
    endpoint_id: uuid.UUID,
    status: str,
    openings: int,
    pausing: bool,
    circuit_until: datetime | None,
    held_until: datetime | None,
    failing_since: datetime | None,
    failure_streak: int,
    failing_seconds: float | None,
    in_flight: int,
    max_in_flight: int,
    waiting: int,
    oldest_due_at: datetime | None,
    last_success_at: datetime | None,
    last_failure_at: datetime | None,
) -> EndpointHealth:
    disable_after = dispatcher_settings().protection.disable_after
    enabled = status == "enabled"
    percent = disables_at = None
    if enabled and failing_since is not None and failing_seconds is not None and disable_after is not None:
        percent = min(100.0, 100 * timedelta(seconds=failing_seconds) / disable_after)
        disables_at = failing_since + disable_after
    return EndpointHealth(
        endpoint_id=endpoint_id,
        enabled=enabled,
        circuit=("open" if pausing else "half_open") if openings else "closed",
        circuit_until=circuit_until if openings else None,
        held_until=held_until,
        failing_since=failing_since,
        failure_streak=failure_streak,
        disable_percent=percent,
        warned_percent=max(
            (mark for mark in MARKS if mark < DISABLE_AT and mark <= (percent or 0)), default=0
        ),
        disables_at=disables_at,
        in_flight=in_flight,
        max_in_flight=max_in_flight,
        waiting=waiting,
        oldest_due_at=oldest_due_at,
        last_success_at=last_success_at,
        last_failure_at=last_failure_at,
    )
