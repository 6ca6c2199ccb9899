"""What a replay finds, a window of events at a time, and the deliveries that it makes of that."""

import math
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

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
MIN_RATE = 0.0001  # one in about three hours
_SQL = statements("dispatcher.sql")
# The same search, of which only the end and the number come back.
_COUNTS = {
    kind: f"SELECT max(last::text)::uuid, count(event_id) FROM (\n{_SQL[name]}) AS found"  # noqa: S608 - of our own
    for kind, name in KINDS.items()
}
# Deliveries are younger than their events; their ids come from another clock, which may be behind so much.
_CLOCKS_APART = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # no id is older

Found = Sequence[tuple[uuid.UUID, int]]  # events, and the number of the resend that each gets


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for: the parameters of both statements."""

    endpoint: Endpoint
    only: str
    since: datetime
    until: datetime

    @property
    def beginning(self) -> uuid.UUID:
        """The last id before `since`: a window begins behind an id."""
        return uuid.UUID(int=max(0, floor_uuid(self.since).int - 1))

    def window(self, after: uuid.UUID, *, size: int) -> tuple[uuid.UUID | None, Found]:
        """The end of the next window of up to `size` events, None where there is none, and what is found in it."""
        rows = fetch_all(_SQL[KINDS[self.only]], self._parameters(after, size))
        return rows[0][0], [(event_id, number) for _, event_id, number in rows if event_id is not None]

    def count(self, after: uuid.UUID, *, size: int) -> tuple[uuid.UUID | None, int]:
        """As `window`, and only how many are found in it."""
        ((last, found),) = fetch_all(_COUNTS[self.only], self._parameters(after, size))
        return last, found

    def counts(self, *, size: int) -> Iterator[int]:
        """How many are found in each window, from the first to the last."""
        after = self.beginning
        while True:
            last, found = self.count(after, size=size)
            if last is None:
                return
            after = last
            yield found

    def _parameters(self, after: uuid.UUID, size: int) -> dict[str, object]:
        return {
            "owner": self.endpoint.owner,
            "endpoint_id": self.endpoint.id,
            "enabled_events": self.endpoint.enabled_events,
            "test_event_type": TEST_EVENT_TYPE,
            "after": after,
            "before": floor_uuid(self.until),
            "oldest": floor_uuid(max(self.since, _EPOCH) - _CLOCKS_APART),
            "window": size,
        }


def make_chunk(
    endpoint: Endpoint, found: Found, *, gap: timedelta, behind: datetime | None
) -> tuple[datetime, datetime]:
    """A delivery by hand for each, one due every `gap`; when the first and the last are due.

    Requires a transaction that holds the endpoint's row lock.

    Args:
        behind: the last that this replay made; None where it made none, and begins behind what an earlier replay
            of the endpoint still has before it.
    """
    parameters = {"endpoint_id": endpoint.id, "gap": gap, "behind": behind}
    first: datetime = fetch_all(_SQL["begin_replay"], parameters)[0][0]
    execute(
        _SQL["create_replays"],
        {
            "owner": endpoint.owner,
            "endpoint_id": endpoint.id,
            "event_ids": [event_id for event_id, _ in found],
            "resend_nos": [number for _, number in found],
            "first_due_at": first,
            "gap": gap,
        },
    )
    wake_lanes([endpoint.id], first, ignore_hold=True)
    return first, first + (len(found) - 1) * gap


def check_arguments(*, since: datetime, until: datetime | None, only: str, rate: float) -> None:
    """Raises ReplayRefused, with the field that is out of range."""
    if only not in KINDS:
        known = " or ".join(f"'{kind}'" for kind in KINDS)
        raise ReplayRefused(field="only", reason=f"must be {known}, not {only!r}")
    if not (math.isfinite(rate) and 0 < rate <= MAX_RATE):
        raise ReplayRefused(
            field="rate", reason=f"must be above 0 and at most {MAX_RATE:g} deliveries a second, not {rate:g}"
        )
    if rate < MIN_RATE:
        raise ReplayRefused(
            field="rate", reason=f"must be at least {MIN_RATE:g} deliveries a second, not {rate:g}"
        )
    now = database_now()
    if since > now:
        raise ReplayRefused(
            field="since", reason=f"is in the future ({since.isoformat()}; it is {now.isoformat()} now)"
        )
    if until is not None and until <= since:
        raise ReplayRefused(field="until", reason="must be later than since")


def replayable(owner: str, endpoint_id: uuid.UUID, *, lock: bool = False) -> Endpoint:
    """The endpoint, where a replay may go there now.

    Raises:
        EndpointNotFound: as get_endpoint.
        ReplayRefused: it is disabled or deleted.
    """
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
