"""What a scenario found, as it is printed, written and drawn."""

import json

import pytest

from bench import report
from bench.findings import Findings, printed, write
from bench.plots import Bars, Lines, Stacks
from bench.tables import Table

AROUND = {
    "command": "python -m bench",
    "date": "2026-11-24T12:00:00+00:00",
    "commit": "0123abc",
    "machine": {
        "processor": "A Processor",
        "cores": 2,
        "memory_gib": 4.0,
        "kernel": "6.1",
        "system": "A System",
        "load_before": 0.1,
    },
    "versions": {"python": "3.11", "postgresql": "15.1"},
}


@pytest.fixture
def findings() -> Findings:
    rates = Table(
        title="Slow", unit="deliveries/s", rows={"product": [9_000.123456, 7_000.0], "other": [5.0, 4.0]}
    )
    cpu = Table(title="CPU", unit="s", rows={"product: dispatcher": [0.1], "product: PostgreSQL": [0.2]})
    return Findings(
        scenario="h",
        name="slow",
        title="Slow receivers",
        about="What was done.",
        tables=[rates, cpu],
        figures={"delivered": 8_000.0},
        plots=[
            Bars(rates),
            Stacks(cpu),
            Lines(title="Growth", x="n", y="ms", series={"one": [(0, 1), (10, 2)]}),
        ],
        notes=["A note."],
        profile="the functions",
    )


def test_everything_found_is_printed(findings):
    shown = printed(findings)
    for part in (
        "h. Slow receivers",
        "What was done.",
        "Slow, deliveries/s",
        "A note.",
        "the functions",
        "met",
    ):
        assert part in shown


def test_json_holds_rounds_machine_and_verdicts(findings, tmp_path):
    path, _ = write(findings, AROUND, tmp_path)
    content = json.loads(path.read_text())
    assert path.name == "h-slow.json"
    assert content["machine"]["cores"] == 2
    assert content["commit"] == "0123abc"
    assert content["tables"][0]["rows"]["product"] == [9_000.1, 7_000.0]
    assert content["targets"][0]["verdict"] == "met"


def test_same_figures_make_the_same_drawing(findings, tmp_path):
    _, first = write(findings, AROUND, tmp_path / "first")
    _, second = write(findings, AROUND, tmp_path / "second")
    assert first.read_bytes() == second.read_bytes()
    assert b"<dc:date>" not in first.read_bytes()


def test_summary_is_made_of_the_files_alone(findings, tmp_path):
    write(findings, AROUND, tmp_path)
    summary = report.write(tmp_path).read_text()
    assert "| h | slow receivers: 2 processes of 1,000 slots | 8,000 /s | ≥ 8,000 /s | met |" in summary
    assert "| product | 7,000 | 8,000 | 9,000 |  |" in summary
    assert "commit 0123abc by `python -m bench`" in summary
    assert "the functions" in summary


def test_miss_is_known(findings):
    assert not findings.misses
    findings.figures = {"delivered": 1.0}
    assert findings.misses
