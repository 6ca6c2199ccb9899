"""Metrics of every process: names, helps and labels keep promtool's rules."""

import re

import pytest

from outbox.measures import Description
from tests.catalogues import CATALOGUES, DESCRIBED

LABELS = {
    "outcome", "failure_code", "state", "which", "table", "type",  # of a dispatcher
    "route", "method", "status", "code",  # of the API
    "kind", "feature", "answer", "word",  # of settlement and the relay
}  # fmt: skip


@pytest.mark.parametrize("one", DESCRIBED.values(), ids=lambda one: one.name)
def test_names_and_helps_keep_promtools_rules(one: Description) -> None:
    assert re.fullmatch(r"(dispatcher|outbox|api|settlement|cli_relay)_[a-z]+(_[a-z]+)*", one.name)
    assert one.help.endswith(".")
    assert (one.type == "counter") == one.name.endswith("_total")
    assert not one.name.endswith(("_count", "_sum", "_bucket", "_info", "_gauge", "_histogram", "_counter"))
    assert not re.search(r"(milliseconds|minutes|hours|days|_ms)", one.name)
    assert one.type != "histogram" or one.name.endswith("_seconds")
    assert set(one.labels) <= LABELS
    assert not set(one.labels) & {"le", "quantile"}


def test_no_process_describes_a_metric_twice_and_no_two_say_the_same() -> None:
    for catalogue in CATALOGUES.values():
        assert len({one.name for one in catalogue}) == len(catalogue)
    assert len({one.help for one in DESCRIBED.values()}) == len(DESCRIBED)
