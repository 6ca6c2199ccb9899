"""What rounds gave: least, median, most, and how two contenders of the same rounds compare."""

import math
import statistics
from collections.abc import Sequence


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def ratio(values: Sequence[float], base: Sequence[float]) -> float:
    """The median of each round's ratio: what slowed one round down slowed both of its contenders.

    Raises:
        ValueError: the rounds are not the same.
    """
    return statistics.median(one / other for one, other in zip(values, base, strict=True))


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent do not exceed (nearest rank).

    Raises:
        ValueError: there are none.
    """
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
