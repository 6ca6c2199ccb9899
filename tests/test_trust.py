"""Every row of the tables of docs/trust.md is tried: by tests that exist, and each fault by the crash suite too."""

import re

import pytest

from tests.crash.plan import PARTS, faults_of
from tests.test_docs import CODE, NAMED, page, rows, section

ENDPOINTS = rows(section(page("trust.md"), "Hostile endpoints"))
FAULTS = rows(section(page("trust.md"), "Faults"))
PLAYED = {fault.name: fault for part in PARTS for fault in faults_of(part)}


def test_no_row_was_lost() -> None:
    assert (len(ENDPOINTS), len(FAULTS)) == (12, 10)


@pytest.mark.parametrize("row", ENDPOINTS, ids=lambda row: row[0])
def test_every_behaviour_names_its_tests(row: list[str]) -> None:
    _, _, _, tests = row
    assert re.sub(r"[,\s]", "", NAMED.sub("", tests)) == ""
    assert NAMED.search(tests)


@pytest.mark.parametrize("row", FAULTS, ids=lambda row: row[0])
def test_every_fault_names_its_tests_and_is_struck_in_the_gate(row: list[str]) -> None:
    _, _, tests, struck = row
    assert re.sub(r"[,\s]", "", NAMED.sub("", tests)) == ""
    faults = [PLAYED[name] for name in CODE.findall(struck)]
    assert sum(fault.quick.batches * fault.quick.strikes for fault in faults) > 0
