"""The claim protocol, explored to the end, and what notices when one step of it is done wrong."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.model.explorer import explore
from tests.model.invariants import TITLES
from tests.model.mutants import MUTANTS, Mutant
from tests.model.protocol import Protocol
from tests.model.scenarios import SCENARIOS
from tests.model.tables import Setup

BY_NAME = {setup.name: setup for setup in SCENARIOS}
Record = Callable[[str, object], None]


@pytest.mark.parametrize("setup", SCENARIOS, ids=list(BY_NAME))
def test_every_reachable_state_keeps_the_invariants(setup: Setup, record_property: Record) -> None:
    found = explore(Protocol(setup))
    record_property("model", f"{setup.name}: {found.states:,} states, {found.steps:,} steps explored")
    assert found.broken is None, "\n".join([*found.way, str(found.broken)])
    assert found.states > 100


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.__name__ for mutant in MUTANTS])
def test_a_mutant_is_caught_by_the_invariant_beside_it(mutant: type[Mutant], record_property: Record) -> None:
    found = explore(mutant(BY_NAME[mutant.scenario]))
    assert found.broken is not None, f"{mutant.__name__} was not caught in {found.states:,} states"
    assert found.broken.name == mutant.caught_by, "\n".join([*found.way, str(found.broken)])
    record_property("model", f"~ {mutant.__name__}: caught by {mutant.caught_by}, {len(found.way)} steps")


def test_every_invariant_catches_a_mutant() -> None:
    assert {mutant.caught_by for mutant in MUTANTS} == set(TITLES)


def test_the_page_shows_invariants_and_mutants_as_they_are() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "claim-model.md").read_text()
    shown = [
        tuple(cell.strip() for cell in line.strip("|").split("|"))
        for line in page.splitlines()
        if line.startswith("| `")
    ]
    assert {name.strip("`"): title for name, title, _ in shown if title in TITLES.values()} == TITLES
    mutants = {
        (f"`{mutant.__name__}`", " ".join(str(mutant.__doc__).split()), f"`{mutant.caught_by}`")
        for mutant in MUTANTS
    }
    assert {row for row in shown if row[1] not in TITLES.values()} == mutants
