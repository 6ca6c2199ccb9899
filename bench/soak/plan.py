"""How long a soak takes and what it must hold."""

from dataclasses import dataclass
from typing import Self

# Each ends what it began soon: a soak of minutes meets the end of schedules and the probes of circuits many times.
VARIABLES = {
    "WEBHOOK_ATTEMPT_TIMEOUT_SECONDS": "2",
    "WEBHOOK_CONNECT_TIMEOUT_SECONDS": "1",
    "WEBHOOK_LEASE_SECONDS": "6",
    "WEBHOOK_RETRY_SCHEDULE_SECONDS": "0.5,1,2,4,8",
    "WEBHOOK_CIRCUIT_PAUSE_SECONDS": "1",
    "WEBHOOK_CIRCUIT_PAUSE_CAP_SECONDS": "5",
    "WEBHOOK_DISABLE_AFTER_DAYS": "0",
    "BANK_DELAY_SECONDS": "0.5",
}
WORKING = ("/ok", "/slow/100", "/flaky")
FAILING = ("/500", "/429", "/302", "/410", "/garbage", "/reset", "/hang")
# Endpoints of the overload's owner: an event of his is so many deliveries.
OVERLOADED = 24
OVERLOAD = 3.0  # times what was measured to be the most

DISPATCHERS = 2
# A connection to PostgreSQL for each thread of the API, each settlement and each dispatcher.
CONNECTIONS_BESIDE_THE_API = 1 + DISPATCHERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Durations in seconds."""

    rate: float  # payments/s
    steady: float
    overload: float
    every: float  # between two samples
    calibration: int  # events whose delivery measures the most that can be delivered

    @classmethod
    def of(cls, *, minutes: float, rate: float, quick: bool) -> Self:
        if quick:
            return cls(rate=rate, steady=45.0, overload=8.0, every=1.0, calibration=300)
        return cls(rate=rate, steady=60 * (minutes - 1), overload=60.0, every=5.0, calibration=1_000)

    @property
    def warm_up(self) -> float:
        """Of the steady part: caches fill, pools grow, code is imported."""
        return self.steady / 4

    @property
    def drained_within(self) -> float:
        """From the end of the overload: what came beyond the most, with every process still sharing the cores."""
        return 30 + 4 * self.overload
