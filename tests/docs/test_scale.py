"""The figures that the arithmetic of docs/explanation/scale.md begins with are those that the bench measured."""

import json
import re

from tests.processes import ROOT

PAGE = (ROOT / "docs" / "explanation" / "scale.md").read_text(encoding="utf-8")
RESULTS = ROOT / "bench" / "results"
SUMMARY = (RESULTS / "summary.md").read_text(encoding="utf-8")
DAY, EVENTS = 86_400, 10**9


def median(row: str) -> float:
    """Of a row of a table of the summary, by the first table that has it."""
    found = re.search(rf"(?m)^\| {re.escape(row)} \| [^|]+ \| ([\d.,]+) \|", SUMMARY)
    assert found is not None, row
    return float(found[1].replace(",", ""))


def milliseconds(row: str) -> str:
    return f"{median(row):.2f} ms"


def test_what_was_measured_is_what_the_page_begins_with() -> None:
    measured = section("What one machine does")
    for part, row in {
        "PostgreSQL": "2,000/s: PostgreSQL",
        "dispatcher": "2,000/s: dispatcher",
        "recorder": "2,000/s: recorder",
    }.items():
        assert f"CPU an event in that run: {part} | {milliseconds(row)} |" in measured
    assert f"| {median('product, 1 process'):,.0f}/s; {median('product, 2 processes'):,.0f}/s |" in measured
    assert (
        f"{milliseconds('product: API')} of CPU in the API and {milliseconds('product: PostgreSQL')}" in PAGE
    )
    stored = json.loads((RESULTS / "storage.json").read_text())
    assert f"| {stored['wal bytes an event']:,.0f} bytes |" in measured
    tables = ("outbox_event", "dispatcher_finished_delivery", "dispatcher_attempt")
    sizes = [f"{stored[f'{name} bytes an event']:,.0f}" for name in tables]
    assert f"| {'; '.join(sizes)} bytes |" in measured


def test_the_arithmetic_of_a_thousand_million_events_is_right() -> None:
    a_second = EVENTS / DAY
    shown = section("10⁹ events a day")
    assert f"| {a_second:,.0f}/s | {3 * a_second:,.0f}/s |" in shown
    for part in ("PostgreSQL", "dispatcher", "recorder"):
        cores = a_second * median(f"2,000/s: {part}") / 1000
        assert re.search(rf"\| {cores:.1f} cores \| {3 * cores:.1f}?(\.\d)? cores \|", shown) or (
            f"| {cores:.1f} cores | {3 * cores:.0f} cores |" in shown
        ), part
    wal = json.loads((RESULTS / "storage.json").read_text())["wal bytes an event"]
    assert f"| {a_second * wal / 1e6:.0f} MB/s | {3 * a_second * wal / 1e6:.0f} MB/s |" in shown
    assert f"| {EVENTS * wal / 1e12:.1f} TB |" in shown
    assert f"| {a_second / 16:.0f}/s | {3 * a_second / 16:,.0f}/s |" in section("Shard by owner")


def section(heading: str) -> str:
    found = re.search(rf"(?ms)^## {re.escape(heading)}$(.*?)(?=^## |\Z)", PAGE)
    assert found is not None, heading
    return found[1]
