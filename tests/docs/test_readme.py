"""The figures of README.md are those that the crash suite and the bench wrote down, wherever they are run again."""

import re

from tests.docs.test_scale import SUMMARY, median
from tests.processes import ROOT

PAGE = (ROOT / "README.md").read_text(encoding="utf-8")


def test_what_was_struck_and_not_lost_is_what_the_crash_suite_counted() -> None:
    total = re.search(
        r"(?m)^\| all \| (.+) \|$", (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    )
    assert total is not None
    strikes, _, _, acknowledged, _, _, lost, *_ = total[1].split(" | ")
    assert lost == "0"
    assert f"Struck {strikes} times under load" in PAGE
    assert f"lost none of\n{acknowledged} acknowledged writes" in PAGE


def test_what_slow_endpoints_cost_the_others_is_what_the_bench_measured() -> None:
    assert f"97 healthy ones kept {target('fairness: throughput of the same')} of their throughput" in PAGE
    reads = target("claim cost, buffers: by pending behind one dead endpoint")
    assert f"made a claim read {reads} times as much" in PAGE


def test_the_limit_is_what_the_bench_measured() -> None:
    assert (
        f"{median('2,000/s wanted: recorded'):,.0f} events/s recorded and\n  delivered on two cores" in PAGE
    )


def target(words: str) -> str:
    """What was measured of a target, as the summary's first table has it."""
    found = re.search(rf"(?m)^\| [a-z] \| {re.escape(words)} \| ([\d.]+) \|", SUMMARY)
    assert found is not None, words
    return found[1]
