"""What is being delivered, as it happens: new deliveries and attempts, each once.

Ids tell roughly when a row came to be, and rows do not appear in their order. So a look goes back a while behind the
newest id and leaves out what was seen there.
"""

import uuid
from datetime import datetime
from typing import Any, NamedTuple

from dispatcher.config import dispatcher_settings
from dispatcher.deliveries import database_now
from outbox.database import fetch_all
from outbox.identifiers import floor_uuid, moment_of
from outbox.sql import statements

LIMIT = 500  # rows of each kind that a look reads
_SQL = statements("dispatcher.sql")
_LEAST = uuid.UUID(int=0)


class TailedAttempt(NamedTuple):
    """An attempt, and how its delivery stands now."""

    id: uuid.UUID
    delivery_id: uuid.UUID
    endpoint_id: uuid.UUID
    event_id: uuid.UUID
    number: int
    started_at: datetime
    outcome: str
    failure_code: str | None
    detail: str | None
    status: int | None
    total_ms: float | None
    superseded: bool
    type: str | None
    url: str
    state: str | None
    reason: str | None
    next_attempt_at: datetime | None
    attempts: int | None  # of its delivery, begun so far


class TailedDelivery(NamedTuple):
    """A delivery that was made, or skipped."""

    id: uuid.UUID
    endpoint_id: uuid.UUID
    event_id: uuid.UUID
    state: str
    reason: str | None
    resend_no: int
    type: str | None
    url: str


class Tail:
    """Looks again and again, from a moment on.

    Parameters:
        since: of what came to be from then on, by the database's clock.
        endpoint_id: of one endpoint alone.
        failed: only attempts that did not succeed, and no deliveries.
    """

    def __init__(
        self, *, since: datetime, endpoint_id: uuid.UUID | None = None, failed: bool = False
    ) -> None:
        # An attempt is written a lease after its claim at the latest; a fan-out takes no longer either.
        self._lookback = 2 * dispatcher_settings().lease
        self._endpoint_id = endpoint_id
        self._failed = failed
        self._attempts = _Seen(since)
        self._deliveries = _Seen(since)

    def look(self) -> tuple[list[TailedDelivery], list[TailedAttempt]]:
        """What is new, oldest first: one bounded statement for each kind, and the clock's."""
        horizon = database_now() - self._lookback
        deliveries = (
            [] if self._failed else [TailedDelivery(*row) for row in self._rows("deliveries", horizon)]
        )
        return deliveries, [TailedAttempt(*row) for row in self._rows("attempts", horizon)]

    def _rows(self, kind: str, horizon: datetime) -> list[tuple[Any, ...]]:
        seen: _Seen = getattr(self, f"_{kind}")
        rows = fetch_all(
            _SQL[f"tail_{kind}"],
            {
                "after": seen.after,
                "seen": list(seen.ids),
                "endpoint_id": self._endpoint_id,
                "failed": self._failed,
                "limit": LIMIT,
            },
        )
        seen.take([row[0] for row in rows], horizon)
        return rows


class _Seen:
    """Which rows were shown, as far as any may still appear among them."""

    def __init__(self, since: datetime) -> None:
        self.after = floor_uuid(since)
        self.ids: set[uuid.UUID] = set()

    def take(self, ids: list[uuid.UUID], horizon: datetime) -> None:
        self.ids.update(ids)
        # A full look may have more behind it: it is not passed over.
        reached = min(horizon, moment_of(max(ids))) if len(ids) == LIMIT else horizon
        self.after = max(self.after, floor_uuid(reached))
        self.ids = {one for one in self.ids if one > self.after}
