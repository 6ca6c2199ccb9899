"""Named places where a process can be made to die or to stand still, so that crash tests are repeatable.

`CRASH_AT=after_send:3 manage.py run_dispatcher` kills itself with SIGKILL the third time it gets there.
`FREEZE_AT` names a place in the same way, where the process stops itself with SIGSTOP until a SIGCONT comes.
Each app tells its points, and where they lie, by `crash_points` on its AppConfig.
"""

import os
import signal
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.apps import apps

from outbox.errors import NoCrashPoint

SIGNALS = {"CRASH_AT": signal.SIGKILL, "FREEZE_AT": signal.SIGSTOP}


@dataclass(slots=True)
class Trap:
    """Signals the process itself when its point is reached for the `times`th time."""

    times: int
    signal: signal.Signals
    reached: int = 0

    def spring(self) -> None:
        self.reached += 1
        if self.reached == self.times:
            os.kill(os.getpid(), self.signal)


_traps: dict[str, Trap] = {}


def reach(point: str) -> None:
    """Die or stand still here if the environment said so when the process started."""
    if _traps and point in _traps:
        _traps[point].spring()


def known_points() -> dict[str, str]:
    """Those of all installed apps, each with where it lies."""
    found: dict[str, str] = {}
    for config in apps.get_app_configs():
        found |= getattr(config, "crash_points", {})
    return found


def arm(environment: Mapping[str, str], points: Collection[str]) -> None:
    """Set the traps that the environment names; replaces those that were set.

    Raises:
        NoCrashPoint: a variable names none of `points`, or no number of times.
    """
    _traps.clear()
    for variable, number in SIGNALS.items():
        if text := environment.get(variable):
            point, _, times = text.partition(":")
            if point not in points or not (times or "1").isdecimal() or int(times or 1) < 1:
                raise NoCrashPoint(variable=variable, value=text, points=sorted(points))
            _traps[point] = Trap(int(times or 1), number)
