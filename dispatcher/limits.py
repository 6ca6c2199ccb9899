"""What an endpoint is willing to take: how much at once, how much a claim, how much a second."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from dispatcher.errors import InvalidEndpoint

LIMIT_FIELDS = frozenset({"max_in_flight", "quantum", "rate_limit", "burst"})
MOST = 10_000
# One delivery in a quarter of an hour: what is slower is no rate but a pause.
LEAST_RATE = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one endpoint, as its lane keeps them.

    Raises:
        InvalidEndpoint: the first field that is out of range.
    """

    max_in_flight: int  # leased at once over all dispatchers
    quantum: int  # at most so many a claim
    rate_limit: float | None = None  # deliveries a second; None is no limit
    burst: int | None = None  # what may go at once after a quiet time; None where there is no rate

    def __post_init__(self) -> None:
        _check_whole("max_in_flight", self.max_in_flight)
        _check_whole("quantum", self.quantum)
        _check_rate(self.rate_limit)
        if self.burst is not None:
            _check_whole("burst", self.burst)
            if self.rate_limit is None:
                raise InvalidEndpoint(field="burst", reason="needs a rate_limit; set both, or neither")

    def changed(self, changes: Mapping[str, Any]) -> "Limits":
        """These limits with `changes` of LIMIT_FIELDS; None is the default, and no rate.

        A quantum and a burst that were the default stay the default.

        Raises:
            InvalidEndpoint: as above.
        """
        width, quantum, rate, burst = (changes.get(name, value) for name, value in self.chosen().items())
        _check_rate(rate)
        if rate is None and "burst" not in changes:
            burst = None
        return Limits(
            max_in_flight=width,
            quantum=width if quantum is None else quantum,
            rate_limit=rate,
            burst=_default_burst(rate) if burst is None else burst,
        )

    def chosen(self) -> dict[str, Any]:
        """As somebody would choose them: None where the default is held."""
        return {
            "max_in_flight": self.max_in_flight,
            "quantum": None if self.quantum == self.max_in_flight else self.quantum,
            "rate_limit": self.rate_limit,
            "burst": None if self.burst == _default_burst(self.rate_limit) else self.burst,
        }

    def columns(self) -> dict[str, Any]:
        """By the names of the lane's columns."""
        return asdict(self)


def _default_burst(rate: float | None) -> int | None:
    """A second's worth, and at least one."""
    return None if rate is None else math.ceil(max(1.0, rate))


def _check_rate(rate: float | None) -> None:
    # What is no number compares with none: nan is refused too.
    if rate is not None and not (_is_number(rate) and LEAST_RATE <= rate <= MOST):
        raise InvalidEndpoint(
            field="rate_limit",
            reason=f"must be between {LEAST_RATE} and {MOST} deliveries a second, or null for no limit, not {rate}",
        )


def _check_whole(field: str, value: int) -> None:
    if not (_is_number(value) and isinstance(value, int) and 1 <= value <= MOST):
        raise InvalidEndpoint(field=field, reason=f"must be between 1 and {MOST}, not {value}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
