"""The scenarios, a module each: `measure(stage, scale)` gives Findings."""

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
