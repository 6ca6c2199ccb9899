"""`python -m tests.model`: explore every scenario, then every mutant in its own, and print both tables.

`--larger` gives every scenario one crash and one stall more, where it has any faults.
"""

import argparse
import sys
import time

from tests.model.explorer import explore
from tests.model.mutants import MUTANTS
from tests.model.protocol import Protocol
from tests.model.scenarios import SCENARIOS
from tests.model.tables import Setup


def larger(setup: Setup) -> Setup:
    """The same world with more that may go wrong."""
    more = setup.faults._replace(crashes=setup.faults.crashes + 1, stalls=setup.faults.stalls + 1)
    return setup._replace(faults=more)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.model", description="Explore the claim protocol.")
    parser.add_argument("--larger", action="store_true", help="one crash and one stall more (minutes)")
    parser.add_argument("--only", help="the name of one scenario or mutant")
    arguments = parser.parse_args()
    failed = 0
    for setup in SCENARIOS:
        if arguments.only in {None, setup.name}:
            begun = time.process_time()
            found = explore(Protocol(larger(setup) if arguments.larger else setup), limit=20_000_000)
            seconds = time.process_time() - begun
            say(f"{setup.name:24} {found.states:>9,} states {found.steps:>10,} steps {seconds:6.1f} s")
            failed += _told(found.broken, found.way)
    by_name = {setup.name: setup for setup in SCENARIOS}
    for mutant in MUTANTS:
        if arguments.only in {None, mutant.__name__}:
            found = explore(mutant(by_name[mutant.scenario]))
            caught = found.broken is not None and found.broken.name == mutant.caught_by
            failed += not caught
            verdict = f"caught by {mutant.caught_by} in {len(found.way)} steps" if caught else "NOT CAUGHT"
            say(f"{mutant.__name__:28} {verdict} ({mutant.scenario}, {found.states:,} states)")
            if arguments.only or not caught:
                _told(found.broken, found.way)
    return 1 if failed else 0


def _told(broken: Exception | None, way: tuple[str, ...]) -> bool:
    if broken is not None:
        say("\n    ".join(["", *way, str(broken)]))
    return broken is not None


if __name__ == "__main__":
    sys.exit(main())
