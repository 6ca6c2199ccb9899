"""When a recorded event is worth a notification.

PostgreSQL lets transactions that notify commit one after the other, so a process that records thousands of
events a second must not notify for each: a dispatcher that was woken a moment ago is still at work and finds
what came since.
"""

import time

from outbox.config import notifies

THROTTLE = 0.005  # seconds; a dispatcher that was woken takes about as long to come back for more

_last = [float("-inf")]  # time.monotonic() of this process's latest notification


def is_due() -> bool:
    """Whether to notify with the event that is being recorded; True at most once in THROTTLE seconds."""
    now = time.monotonic()
    if now - _last[0] < THROTTLE or not notifies():
        return False
    _last[0] = now
    return True
