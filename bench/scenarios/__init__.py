"""The scenarios, a module each: `measure(stage, scale)` gives Findings.

`DURABLE` tells whether the stage's PostgreSQL must flush what it commits: all that is timed needs it, and where only
reading is measured, or memory, rows by the million are sooner there without it.
"""

from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much is measured."""

    quick: bool
    rounds: int = 5

    def choose(self, *, quick: T, whole: T) -> T:
        return quick if self.quick else whole
