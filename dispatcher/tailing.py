"""What is being delivered, as it happens: new deliveries and attempts, each once.

Ids tell roughly when a row came to be, and rows do not appear in their order. So a pass over what is new goes back a
while behind the newest id and leaves out what was seen there. A look is a part of a pass that reads a bounded number
of rows, however few of them are wanted.
"""

import uuid
from datetime import datetime
from typing import Any, NamedTuple

from dispatcher.config import dispatcher_settings
from dispatcher.deliveries import database_now
from outbox.database import fetch_all
from outbox.identifiers import floor_uuid
from outbox.sql import statements

LIMIT = 500  # rows of each kind that a look shows
WINDOW = 10_000  # rows of each kind that it reads to find them
_SQL = statements("dispatcher.sql")


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
        self._passes = {
            kind: _Pass(since) for kind in (("attempts",) if failed else ("deliveries", "attempts"))
        }

    @property
    def behind(self) -> bool:
        """Whether the last look ended before what is newest: the next one need not wait."""
        return any(one.under_way for one in self._passes.values())

    def look(self) -> tuple[list[TailedDelivery], list[TailedAttempt]]:
        """What is new, oldest first: one bounded statement for each kind, and the clock's.

        Raises:
            django.db.Error: nothing counts as shown; the next look finds it.
        """
        horizon = database_now() - self._lookback
        found = {kind: self._read(kind, one.next_part(horizon)) for kind, one in self._passes.items()}
        shown = {kind: one.took(found[kind]) for kind, one in self._passes.items()}
        return (
            [TailedDelivery(*row) for row in shown.get("deliveries", [])],
            [TailedAttempt(*row) for row in shown["attempts"]],
        )

    def _read(self, kind: str, after: uuid.UUID) -> list[tuple[Any, ...]]:
        return fetch_all(
            _SQL[f"tail_{kind}"],
            {
                "after": after,
                "seen": list(self._passes[kind].seen),
                "endpoint_id": self._endpoint_id,
                "failed": self._failed,
                "window": WINDOW,
                "limit": LIMIT,
            },
        )


class _Pass:
    """How far a pass over one kind of rows has come, and which of them were shown."""

    def __init__(self, since: datetime) -> None:
        self.seen: set[uuid.UUID] = set()  # as far as a pass still comes by them
        self._after = floor_uuid(since)  # where the next pass begins: nothing appears before it any more
        self._horizon = self._after  # likewise, as it was when this pass began
        self._reached: uuid.UUID | None = None

    @property
    def under_way(self) -> bool:
        return self._reached is not None

    def next_part(self, horizon: datetime) -> uuid.UUID:
        """The id behind which to look; where a pass begins, nothing appears before the horizon any more."""
        if self._reached is not None:
            return self._reached
        self._horizon = floor_uuid(horizon)
        return self._after

    def took(self, found: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """The rows among those of a look, of which each tells where its window ends and whether it is full."""
        last, is_full = found[0][:2]
        rows = [row[2:] for row in found if row[2] is not None]
        # What was not shown for its number is looked for again; else a full window may have more behind it.
        self._reached = rows[-1][0] if len(rows) == LIMIT else last if is_full else None
        certain = self._horizon if self._reached is None else min(self._horizon, self._reached)
        self._after = max(self._after, certain)
        self.seen = {one for one in self.seen.union(row[0] for row in rows) if one > self._after}
        return rows
