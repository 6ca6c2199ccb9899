"""Who is told what a process does, to count it. The calls come from the database thread, once a cycle."""

from collections.abc import Callable, Sequence
from typing import Protocol

from dispatcher.cycles import Cycle


class Observer(Protocol):
    """Counts; never touches the database and never raises."""

    def cycled(self, cycle: Cycle) -> None:
        """A cycle was committed."""

    def watch_sends(self, in_flight: Callable[[], int]) -> None:
        """From now on `in_flight` tells, from any thread, how many requests are under way."""


class Unobserved:
    """Nobody counts."""

    def cycled(self, cycle: Cycle) -> None: ...

    def watch_sends(self, in_flight: Callable[[], int]) -> None: ...


class Observers:
    """Several that count the same."""

    def __init__(self, *observers: Observer | None) -> None:
        self._observers: Sequence[Observer] = [one for one in observers if one is not None]

    def cycled(self, cycle: Cycle) -> None:
        for observer in self._observers:
            observer.cycled(cycle)

    def watch_sends(self, in_flight: Callable[[], int]) -> None:
        for observer in self._observers:
            observer.watch_sends(in_flight)
