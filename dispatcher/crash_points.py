"""Named places where a process can be made to die, so that crash tests are repeatable.

`CRASH_AT=after_send manage.py run_dispatcher` kills itself with SIGKILL the first time it gets there.
"""

import os
import signal

CRASH_POINTS = ("after_claim", "after_send", "during_record")

_armed = os.environ.get("CRASH_AT")


def reach(point: str) -> None:
    """Die here if the environment says so."""
    if _armed == point:
        os.kill(os.getpid(), signal.SIGKILL)
