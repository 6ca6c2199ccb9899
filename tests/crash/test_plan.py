"""The plan strikes what docs/reliability.md lists, and the page shows what the committed runs came to."""

import json
import re

import pytest

from tests.crash import report
from tests.crash.plan import PARTS, faults_of, plan

FAULTS = [(part, fault) for part in PARTS for fault in faults_of(part)]
STATES = sorted(report.RESULTS.glob("*.json"))


def rows_of_page() -> set[tuple[str, str]]:
    """Each fault of the page's table, and its part."""
    table = report.PAGE.read_text().partition("## Faults")[2].partition("\n## ")[0]
    return {
        (row[1].strip(), row[2].strip())
        for row in re.finditer(r"(?m)^\|([^|\n]+)\|[^|\n]+\|([^|\n]+)\|$", table)
        if row[1].strip() not in {"fault", "---"}
    }


def test_every_row_of_the_fault_table_is_struck_by_the_quick_plan_and_no_other():
    struck = {(fault.row, part) for part, fault in FAULTS}
    assert struck == rows_of_page()
    batches = plan([fault for _, fault in FAULTS], quick=True)
    assert {batch.fault.row for batch in batches if batch.size.strikes > 0} == {row for row, _ in struck}


def test_faults_have_names_of_their_own():
    names = [fault.name for _, fault in FAULTS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("quick", [True, False])
def test_a_plan_has_every_batch_of_every_fault_once(quick: bool):
    faults = [fault for _, fault in FAULTS]
    batches = plan(faults, quick=quick)
    assert [batch.place for batch in batches] == list(range(len(batches)))
    assert {(batch.fault.name, batch.number) for batch in batches} == {
        (fault.name, number)
        for fault in faults
        for number in range(1, 1 + (fault.quick if quick else fault.long).batches)
    }


def test_the_long_plan_of_processes_is_as_long_as_it_should_be():
    batches = plan(faults_of("processes"), quick=False)
    frozen = sum(
        batch.size.strikes * getattr(batch.fault, "struck", 0)
        for batch in batches
        if batch.fault.name.endswith(("_frozen", "_frozen_at_point"))
    )
    killed = sum(batch.size.strikes for batch in batches if "_killed" in batch.fault.name)
    events = sum(batch.size.events for batch in batches)
    assert killed >= 1_000
    assert frozen >= 500
    assert events >= 300_000


def test_a_batch_draws_the_same_whatever_was_played_before():
    [*_, last] = plan(faults_of("processes"), quick=True)
    assert last.randomness(1).random() == last.randomness(1).random()
    assert last.randomness(1).random() != last.randomness(2).random()


def test_the_page_shows_what_the_committed_runs_came_to():
    shown = report.PAGE.read_text().partition(report.BEGIN)[2].partition(report.END)[0].strip()
    assert shown == (report.page_part(STATES, write=False) if STATES else "")


def test_committed_runs_were_played_to_the_end_without_a_breach():
    for state in STATES:
        run = json.loads(state.read_text())
        parts = [run["part"]] if run["part"] else PARTS
        batches = plan([fault for part in parts for fault in faults_of(part)], quick=run["quick"])
        played = report.played_in([run])
        assert sorted((one.fault, one.number) for one in played) == sorted(
            (batch.fault.name, batch.number) for batch in batches
        )
        assert [one.breaches for one in played if one.breaches] == []
