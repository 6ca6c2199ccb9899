"""Rollups to read: what charts show, from sums that dispatchers keep (dispatcher/tallies.py), never from history.

A range of up to 25 hours within the last week is read by the minute, any other by the hour; so it takes at most 1,500
rows, over one endpoint, over an owner's or over all. Sums come into the rollups a second after the attempts ended
(15 s where a thousand endpoints are busy), and a killed process takes its last second with it.
"""

import json
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dispatcher.tallies import DURATION_BOUNDS, MINUTES_KEPT, WAIT_BOUNDS
from outbox.database import fetch_all
from outbox.sql import statements

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
BY_THE_MINUTE = timedelta(hours=25)
MAX_BUCKETS = 500
MAX_WORST = 100
# Candidates of each span for the worst of all: few where there are many spans.
_CANDIDATES_READ = 6_000
SEARCHED_BY_THE_MINUTE = timedelta(hours=3)
# Widths of a bar that people can read off: they divide a day, or are whole days.
_WIDTHS = (
    *(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15, 30)),
    *(timedelta(hours=hours) for hours in (1, 2, 3, 6, 12)),
    *(timedelta(days=days) for days in (1, 2, 7, 14)),
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ALL = uuid.UUID(int=0)
_SQL = statements("dispatcher.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A part of the range, and what its attempts and deliveries came to. Nothing happened where all is 0."""

    begins_at: datetime
    ends_at: datetime  # exclusive
    ok: int = 0  # attempts that began in it and succeeded
    failed: int = 0
    delivered: int = 0  # deliveries that ended by an attempt that began in it
    dead_lettered: int = 0
    cancelled: int = (
        0  # counted for all together only, as those skipped: without an attempt they have no endpoint here
    )
    skipped: int = 0
    by_code: Mapping[str, int]  # failed attempts by failure code, most first
    wait_p50_ms: float | None = None  # from the event to its first attempt; None where there was none
    wait_p95_ms: float | None = None
    duration_p50_ms: float | None = None  # of an attempt
    duration_p95_ms: float | None = None
    duration_mean_ms: float | None = None
    waits: Sequence[
        int
    ] = ()  # the histogram behind wait_p50_ms, for whoever adds parts up; bounds as WAIT_BOUNDS

    @property
    def attempts(self) -> int:
        return self.ok + self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPoint:
    """A point of a sparkline."""

    begins_at: datetime
    ok: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstEndpoint:
    """An endpoint with many failed attempts."""

    endpoint_id: uuid.UUID
    owner: str
    url: str
    status: str
    deleted: bool
    ok: int
    failed: int
    series: Sequence[SeriesPoint]  # one for each part of the range, empty ones too

    @property
    def attempts(self) -> int:
        return self.ok + self.failed

    @property
    def failed_percent(self) -> float:
        """Failed attempts of a hundred."""
        return 100 * self.failed / (self.ok + self.failed)


def activity(
    *,
    owner: str | None = None,
    endpoint_id: uuid.UUID | None = None,
    since: datetime,
    until: datetime,
    buckets: int = 60,
) -> Sequence[Bucket]:
    """The range in at most `buckets` + 1 parts of equal width, oldest first, those where nothing happened too.

    Parts are aligned: to the minute, the hour, the day in UTC. So the first begins at or before `since`, and the last
    ends at or after `until`. One statement.

    Args:
        owner, endpoint_id: of one endpoint, of an owner's, or of all. That the endpoint is the owner's is the
            caller's to know.

    Raises:
        ValueError: `until` is not later than `since`, or `buckets` is not between 1 and 500.
    """
    shape = _Shape.of(since, until, buckets)
    found: dict[int, Bucket] = {}
    for (
        number,
        ok,
        failed,
        delivered,
        dead,
        cancelled,
        skipped,
        total_ms,
        codes,
        durations,
        waits,
    ) in fetch_all(_SQL["activity"], {**shape.parameters(), "subject": endpoint_id, "owner": owner}):
        measured = sum(durations)
        found[number] = Bucket(
            begins_at=shape.begins(number),
            ends_at=shape.begins(number + 1),
            ok=ok,
            failed=failed,
            delivered=delivered,
            dead_lettered=dead,
            cancelled=cancelled,
            skipped=skipped,
            by_code=_added(json.loads(codes or "[]")),
            wait_p50_ms=quantile(waits, WAIT_BOUNDS, 0.5),
            wait_p95_ms=quantile(waits, WAIT_BOUNDS, 0.95),
            duration_p50_ms=quantile(durations, DURATION_BOUNDS, 0.5),
            duration_p95_ms=quantile(durations, DURATION_BOUNDS, 0.95),
            duration_mean_ms=total_ms / measured if measured else None,
            waits=waits,
        )
    return [
        found.get(number)
        or Bucket(begins_at=shape.begins(number), ends_at=shape.begins(number + 1), by_code={})
        for number in range(shape.count)
    ]


def failures_by_code(parts: Sequence[Bucket]) -> Mapping[str, int]:
    """Failed attempts of a range by failure code, most first; pure."""
    return _added([part.by_code for part in parts])


def worst_endpoints(
    *, since: datetime, until: datetime, limit: int = 10, points: int = 30
) -> Sequence[WorstEndpoint]:
    """The endpoints with the most failed attempts in the range, most first; none without a failure.

    Looked for among those that failed most in each minute or hour of it. Two statements at most, which read a
    bounded number of rows: 6,000 for the search, and of each endpoint found its spans.

    Args:
        points: of each sparkline, at most one more.

    Raises:
        ValueError: as of `activity`; or `limit` is not between 1 and 100.
    """
    if not 1 <= limit <= MAX_WORST:
        raise ValueError(f"limit must be between 1 and {MAX_WORST}, not {limit}")
    shape = _Shape.of(since, until, points)
    span = shape.span if shape.end - shape.origin <= SEARCHED_BY_THE_MINUTE else HOUR
    search_origin = _EPOCH + (shape.origin - _EPOCH) // span * span
    spans = -((search_origin - shape.end) // span)
    rows = fetch_all(
        _SQL["worst_endpoints"],
        {
            **shape.parameters(),
            "limit": limit,
            "search_seconds": span // timedelta(seconds=1),
            "search_origin": search_origin,
            "spans": spans,
            "each": max(3, min(2 * limit, _CANDIDATES_READ // spans)),
        },
    )
    series = _series([row[0] for row in rows], shape) if rows else {}
    return [
        WorstEndpoint(
            endpoint_id=endpoint_id,
            owner=owner_of_it,
            url=url,
            status=status,
            deleted=deleted,
            ok=ok,
            failed=failed,
            series=[_point(series, endpoint_id, shape, number) for number in range(shape.count)],
        )
        for endpoint_id, owner_of_it, url, status, deleted, ok, failed in rows
    ]


def sparklines(
    *, endpoint_ids: Sequence[uuid.UUID], since: datetime, until: datetime, points: int = 48
) -> Mapping[uuid.UUID, Sequence[SeriesPoint]]:
    """The attempts of each endpoint over the range, from sums by the hour; one statement.

    Reads at most the hours of the range for each endpoint: ask for a page of them, and for days rather than months.
    """
    since = min(since, until - BY_THE_MINUTE - HOUR)
    shape = _Shape.of(since, until, points)
    series = _series(endpoint_ids, shape) if endpoint_ids else {}
    return {
        endpoint_id: [_point(series, endpoint_id, shape, number) for number in range(shape.count)]
        for endpoint_id in endpoint_ids
    }


def wait_quantile(parts: Sequence[Bucket], share: float) -> float | None:
    """From the event to its first attempt, in milliseconds, over several parts; None where there was none."""
    counted = [part.waits for part in parts if part.waits]
    return quantile([sum(column) for column in zip(*counted, strict=True)], WAIT_BOUNDS, share)


def quantile(counts: Sequence[int], bounds: Sequence[float], share: float) -> float | None:
    """The value below which `share` of what a histogram counted lies, as if each bucket were filled evenly.

    None where it counted nothing. In the last bucket, which has no end, its beginning: "at least".
    """
    total = sum(counts)
    if not total:
        return None
    rank, below = share * total, 0
    for number, count in enumerate(counts):
        if count and below + count >= rank:
            if number == len(bounds):
                break
            lower = bounds[number - 1] if number else 0.0
            return lower + (bounds[number] - lower) * (rank - below) / count
        below += count
    return bounds[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """How a range is cut: aligned parts of `width`, read from spans of a minute or an hour."""

    origin: datetime
    end: datetime
    width: timedelta
    span: timedelta

    @classmethod
    def of(cls, since: datetime, until: datetime, buckets: int) -> "_Shape":
        if until <= since:
            raise ValueError(f"until ({until.isoformat()}) must be later than since ({since.isoformat()})")
        if not 1 <= buckets <= MAX_BUCKETS:
            raise ValueError(f"buckets must be between 1 and {MAX_BUCKETS}, not {buckets}")
        span = HOUR
        # An hour of what is kept is left out: this machine's clock need not be the database's.
        kept_since = datetime.now(tz=UTC) - MINUTES_KEPT + HOUR
        if until - since <= BY_THE_MINUTE and since > kept_since:
            span = MINUTE
        day = timedelta(days=1)
        fitting = (width for width in _WIDTHS if width >= span and width * buckets >= until - since)
        width = next(fitting, ((until - since) // (buckets * day) + 1) * day)
        origin = _EPOCH + (since - _EPOCH) // width * width
        end = _EPOCH + -((_EPOCH - until) // width) * width
        return cls(origin=origin, end=end, width=width, span=span)

    @property
    def count(self) -> int:
        return (self.end - self.origin) // self.width

    def begins(self, number: int) -> datetime:
        return self.origin + number * self.width

    def parameters(self) -> dict[str, object]:
        return {
            "seconds": self.span // timedelta(seconds=1),
            "origin": self.origin,
            "end": self.end,
            "width": self.width // timedelta(seconds=1),
        }


def _series(endpoint_ids: Sequence[uuid.UUID], shape: _Shape) -> dict[tuple[uuid.UUID, int], tuple[int, int]]:
    rows = fetch_all(_SQL["rollup_series"], {**shape.parameters(), "subjects": list(endpoint_ids)})
    return {(endpoint_id, number): (ok, failed) for endpoint_id, number, ok, failed in rows}


def _point(
    series: Mapping[tuple[uuid.UUID, int], tuple[int, int]],
    endpoint_id: uuid.UUID,
    shape: _Shape,
    number: int,
) -> SeriesPoint:
    ok, failed = series.get((endpoint_id, number), (0, 0))
    return SeriesPoint(begins_at=shape.begins(number), ok=ok, failed=failed)


def _added(codes: Sequence[Mapping[str, int]]) -> Mapping[str, int]:
    added: Counter[str] = Counter()
    for each in codes:
        added.update(each)
    return dict(added.most_common())
