"""What is met, missed and not measured."""

import inspect
import re

import pytest

from bench.__main__ import SCENARIOS
from bench.processes import ROOT
from bench.targets import TARGETS, judge
from tests.test_docs import section


def verdicts(scenario: str, **figures: float) -> dict[str, str]:
    return {verdict.target.figure: verdict.word for verdict in judge(scenario, figures)}


def test_every_target_belongs_to_a_scenario_and_every_scenario_has_one():
    assert {target.scenario for target in TARGETS} == SCENARIOS.keys()


def test_every_target_has_a_figure_that_its_scenario_reports():
    for target in TARGETS:
        source = inspect.getsource(SCENARIOS[target.scenario])
        figure = re.sub("_(ms|buffers)$", "", target.figure)
        assert f'"{figure}"' in source, target


@pytest.mark.parametrize(("figure", "word"), [(8_000, "met"), (7_999, "MISSED")])
def test_bound_itself_is_good_enough(figure, word):
    assert verdicts("h", delivered=figure) == {"delivered": word}


@pytest.mark.parametrize(("figure", "word"), [(5.99, "met"), (6.0, "MISSED")])
def test_bound_of_less_than_is_not(figure, word):
    assert verdicts("b", p50_at_500=figure)["p50_at_500"] == word


def test_figure_that_was_not_measured_is_said_to_be():
    found = verdicts("a", product_to_bare=0.8)
    assert found["product_to_bare"] == "met"
    assert found["redis_to_local"] == "not measured"


def test_verdict_tells_figure_and_bound():
    (verdict,) = judge("h", {"delivered": 13_600})
    assert str(verdict).endswith("slow receivers: 2 processes of 1,000 slots: 13,600/s (≥ 8,000/s)")


def test_figure_without_a_target_is_refused():
    with pytest.raises(ValueError, match="no target for delivred"):
        judge("h", {"delivred": 1.0})


def table_rows(page: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line[:1] == "|"
    ]


def figures(text: str) -> set[str]:
    return set(re.findall(r"[0-9][0-9.,]*", text))


@pytest.mark.parametrize(
    ("heading", "column", "results"),
    [("What was measured", 2, "summary.md"), ("For a long time, and too much", 1, "soak/summary.md")],
)
def test_figures_quoted_are_those_of_the_results(heading: str, column: int, results: str):
    page = (ROOT / "docs" / "performance.md").read_text()
    measured = figures((ROOT / "bench" / "results" / results).read_text())
    quoted = [row[column] for row in table_rows(section(page, heading))[2:]]
    assert quoted
    for cell in quoted:
        assert figures(cell)
        assert figures(cell) <= measured | {"0"}, cell


def test_page_on_performance_has_these_scenarios_and_targets():
    page = (ROOT / "docs" / "performance.md").read_text()
    rows = table_rows(page.partition("## What was measured")[0])
    scenarios, targets = rows[2:11], rows[13:]
    assert {row[0]: row[1] for row in scenarios} == {
        letter: module.__name__.rpartition(".")[2].replace("_", "-") for letter, module in SCENARIOS.items()
    }
    assert targets == [[target.scenario, target.words, target.bound_in_words] for target in TARGETS]
