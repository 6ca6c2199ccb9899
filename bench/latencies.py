"""From COMMIT to receipt: what a recorder noted beside what a receiver noted, by the same clock."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from bench.receiver import Arrival


def read_commits(log: Path) -> dict[str, float]:
    """Event → when its COMMIT had returned, Unix seconds; from the log of bench.record_events."""
    lines = (line.split() for line in log.read_text().splitlines())
    return {id_: float(at) for id_, at in lines}


def waits(commits: Mapping[str, float], arrivals: Iterable[Arrival]) -> dict[str, float]:
    """Event → milliseconds until it first arrived, for those of `commits` that did.

    An event may arrive before the recorder's thread learns that its COMMIT is done: that is 0, not less.
    """
    first: dict[str, float] = {}
    for arrival in arrivals:
        if arrival.webhook_id in commits and arrival.webhook_id not in first:
            first[arrival.webhook_id] = max(0.0, (arrival.at - commits[arrival.webhook_id]) * 1000)
    return first


def by_window(commits: Mapping[str, float], found: Mapping[str, float], *, windows: int) -> list[list[float]]:
    """The waits in the order of their commits, cut into so many parts of equal size."""
    ordered = [found[id_] for id_ in sorted(found, key=commits.__getitem__)]
    return [ordered[n * len(ordered) // windows : (n + 1) * len(ordered) // windows] for n in range(windows)]


def slope(points: Iterable[tuple[float, float]]) -> float:
    """By how much y grows with x, by least squares; 0 for fewer than two points."""
    pairs = list(points)
    if len(pairs) < 2:
        return 0.0
    middle_x = sum(x for x, _ in pairs) / len(pairs)
    middle_y = sum(y for _, y in pairs) / len(pairs)
    spread = sum((x - middle_x) ** 2 for x, _ in pairs)
    return sum((x - middle_x) * (y - middle_y) for x, y in pairs) / spread if spread else 0.0
