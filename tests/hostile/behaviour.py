"""A row of the table: an endpoint that misbehaves, and what must come of its deliveries."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import partial

from dispatcher.failures import FailureCode as Code
from tests.dispatcher.certificates import Authority
from tests.hostile.receivers import Script

# The first wait of the schedule that the table is played with.
FIRST_WAIT = timedelta(hours=1)
# More than both ends of a loopback connection buffer.
HUGE_EVENT = 8 * 1024 * 1024


class Then(StrEnum):
    """What follows an attempt, in the words of the page."""

    DONE = "done"
    RETRY = "retried on schedule"
    AT_ONCE = "sent again at once on a fresh connection"
    HELD = "retried; until then nothing else is sent"
    DISABLED = "endpoint disabled"
    ENDED = "not retried"


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One row of the table: an endpoint, and what must be recorded of its deliveries."""

    name: str  # as the page shows it
    script: Script
    code: Code | None = None  # of the failure, None: a success
    status: int | None = None
    then: Then = Then.RETRY
    hold: timedelta | None = None  # how long nothing else is sent to the endpoint
    truncated: bool = False
    kept: bytes = b""  # what the stored response begins with
    tls: Callable[[Authority], ssl.SSLContext] | None = None  # https with this context
    in_place_of_tls: bool = False  # https, and the script speaks where TLS should
    event_bytes: int = 0  # beside the event's own
    deliveries: int = 1  # one after another
    attempts: tuple[Code | None, ...] = ()  # of all deliveries, in their order; () is one attempt with `code`
    url: str = ""  # instead of a receiver's

    @property
    def codes(self) -> tuple[Code | None, ...]:
        return self.attempts or (self.code,)


succeeds = partial(Behaviour, code=None, status=200, then=Then.DONE)
no_http = partial(Behaviour, code=Code.PROTOCOL_ERROR)
too_late = partial(Behaviour, code=Code.TIMEOUT_TOTAL)
broken_off = partial(Behaviour, code=Code.CONNECTION_RESET)
