"""What a process counts about itself, in plain numbers: nothing here needs prometheus-client."""

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# Half a millisecond to ten seconds: a statement's time, a request's, or a cycle's.
STATEMENT_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


@dataclass(frozen=True, slots=True)
class Description:
    """One metric: docs/reference/metrics.md shows the same."""

    name: str
    type: str  # counter, gauge, histogram
    help: str
    labels: tuple[str, ...] = ()


class Histogram:
    """Counts by bucket; Prometheus' bounds are inclusive, and the last bucket has none."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """A value below nothing (two clocks that disagree) counts as nothing."""
        self.counts[bisect_left(self.bounds, value)] += 1
        if value > 0.0:
            self.total += value

    def observe_all(self, values: Sequence[float]) -> None:
        bounds, counts = self.bounds, self.counts
        for value in values:
            counts[bisect_left(bounds, value)] += 1
        self.total += sum([value for value in values if value > 0.0])

    def buckets(self) -> list[tuple[str, float]]:
        """Cumulative, as they are shown."""
        shown, sum_so_far = [], 0
        for bound, count in zip([*map(repr, map(float, self.bounds)), "+Inf"], self.counts, strict=True):
            sum_so_far += count
            shown.append((bound, float(sum_so_far)))
        return shown


EVENTS_RECORDED = Description(
    "outbox_events_recorded_total", "counter",
    "Events that this process recorded, by type; those of a transaction that rolled back too.", ("type",),
)  # fmt: skip


class Tally:
    """Counts recorded events by type once somebody has asked for it; until then recording costs one comparison."""

    __slots__ = ("_counts", "_lock")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] | None = None

    def begin(self) -> None:
        with self._lock:
            self._counts = self._counts or Counter()

    def add(self, type: str) -> None:
        if self._counts is not None:
            with self._lock:
                self._counts[type] += 1

    def counts(self) -> Mapping[str, int]:
        with self._lock:
            return dict(self._counts or {})


recorded_events = Tally()
