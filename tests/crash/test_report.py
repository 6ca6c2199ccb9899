"""The table adds up what batches came to, and is written between its marks."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tests.crash import report
from tests.crash.judge import Verdict
from tests.crash.suite import Played

FIRST = Played(
    place=0,
    fault="dispatcher_killed",
    row="kill -9",
    number=1,
    strikes=10,
    deaths=10,
    freezes=0,
    seconds=12.3,
    verdict=asdict(
        Verdict(acknowledged=2000, events=2001, requests=3000, duplicates=4, in_flight=5, recovery=1.02)
    ),
)
SECOND = replace(FIRST, place=2, number=2, verdict={**FIRST.verdict, "lost": 1, "recovery": 0.5})
FROZEN = replace(FIRST, place=1, fault="dispatcher_frozen", deaths=0, freezes=10)


def cells(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]


def test_the_table_has_a_row_for_each_fault_and_their_sum():
    _, _, killed, frozen, total = cells(report.table([FIRST, FROZEN, SECOND]))
    assert killed == [
        "`dispatcher_killed`", "20", "20", "0", "4,000", "4,002", "6,000", "1", "0", "8 / 10", "1.02",
    ]  # fmt: skip
    assert frozen[:4] == ["`dispatcher_frozen`", "10", "0", "10"]
    assert total == ["all", "30", "20", "10", "6,000", "6,003", "9,000", "1", "0", "12 / 15", "1.02"]


def test_the_page_keeps_what_is_around_its_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    page, state = tmp_path / "reliability.md", tmp_path / "run.json"
    page.write_text(f"before\n{report.BEGIN}\nan older table\n{report.END}\nafter\n")
    state.write_text(
        json.dumps(
            {
                "seed": 7,
                "quick": False,
                "part": "processes",
                "command": report.command_of({"seed": 7, "quick": False, "part": "processes"}),
                "commit": "abcdef0",
                "machine": "2 processors",
                "left_out": {"disk_full_wal": "mounting a small disk takes root"},
                "batches": [asdict(FIRST)],
            }
        )
    )
    monkeypatch.setattr(report, "PAGE", page)
    part = report.page_part([state], write=True)
    assert page.read_text() == f"before\n{report.BEGIN}\n{part}\n{report.END}\nafter\n"
    assert part.splitlines()[0] == (
        "- `python -m tests.crash --part processes --seed 7` at commit abcdef0, on 2 processors; "
        "`disk_full_wal` was left out: mounting a small disk takes root"
    )
    assert part.endswith(report.table([FIRST]))
