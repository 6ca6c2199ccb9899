"""Which faults are played, in which order, how often."""

import importlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.crash.faults import Fault, Size

PARTS = {"processes": "tests.crash.process_faults", "environment": "tests.crash.environment"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One fault, a number of strikes, an amount of load."""

    place: int  # in the plan, from 0
    fault: Fault
    number: int  # of this fault's batches, from 1
    size: Size

    def randomness(self, seed: int) -> random.Random:
        """The same for the same batch of the same seed, whichever batches were played before."""
        return random.Random(f"{seed} {self.fault.name} {self.number}")


def faults_of(part: str) -> Sequence[Fault]:
    faults: Sequence[Fault] = importlib.import_module(PARTS[part]).FAULTS
    return faults


def plan(faults: Sequence[Fault], *, quick: bool) -> list[Batch]:
    """Every fault once, then those that have more batches once more, and so on: none waits for another's end."""
    return [
        Batch(place=place, fault=fault, number=number, size=fault.quick if quick else fault.long)
        for place, (fault, number) in enumerate(_turns(faults, quick=quick))
    ]


def _turns(faults: Sequence[Fault], *, quick: bool) -> Iterator[tuple[Fault, int]]:
    batches = [(fault, (fault.quick if quick else fault.long).batches) for fault in faults]
    for number in range(1, 1 + max((count for _, count in batches), default=0)):
        for fault, count in batches:
            if number <= count:
                yield fault, number
