"""How endpoints are protected from us, and the rest from them: the numbers, parsed and validated by the settings."""

from dataclasses import dataclass
from datetime import timedelta

# Percent of the span of nothing but failures: at each but the last its owner is warned, at the last the endpoint
# is disabled.
DISABLE_AT = 100
MARKS = (50, 70, 90, DISABLE_AT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """When a circuit opens and for how long, and when an endpoint is given up."""

    circuit_threshold: int  # failed attempts in a row
    circuit_pause: timedelta  # the first one; each further failing probe doubles it
    circuit_pause_cap: timedelta
    disable_after: timedelta | None  # of nothing but failures; None is never
