"""`webhooks doctor`."""

import re
from pathlib import Path

import pytest

from api.command_line.doctor import LOOKS
from core.findings import CATALOGUE as OF_CORE
from dispatcher.findings import CATALOGUE as OF_DISPATCHER
from outbox.findings import anchor
from tests.command_line.running import webhooks, within

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.django_db(transaction=True)
def test_everything_is_looked_at_and_the_worst_decides_the_exit_code(endpoint):
    ended = webhooks("doctor")
    assert ended.code in (0, 4), ended.talk  # the tests' own server is not durable
    assert {one["look"] for one in ended.records} == {"settings", *LOOKS}
    assert {one["verdict"] for one in ended.records} <= {"ok", "warning", "error"}
    for one in ended.records:
        assert (one["id"] is None) == (one["verdict"] == "ok") == (one["link"] is None)
    assert ended.code == (4 if any(one["verdict"] == "error" for one in ended.records) else 0)


@pytest.mark.django_db
def test_a_warning_counts_where_that_is_asked_for(endpoint, monkeypatch):
    monkeypatch.setattr("dispatcher.examination._resolve", lambda _: (0.0, "cannot be resolved"))
    ended = within("doctor", "--only", "names", "--text")
    assert ended.code == 0
    assert "warning names      The host name shop.test cannot be resolved" in ended.data
    assert "docs/reference/checks.md#dispatcherw009" in ended.data
    assert within("doctor", "--only", "names", "--strict").code == 4


@pytest.mark.django_db
def test_faults_of_the_settings_are_told_in_the_words_of_the_checks(settings):
    settings.DISPATCHER = {**settings.DISPATCHER, "CONCURRENCY": 0}
    ended = within("doctor", "--only", "settings")
    assert ended.code == 4
    (record,) = (one for one in ended.records if one["id"] == "dispatcher.E001")
    assert record["told"] == "CONCURRENCY must be between 1 and 10000, not 0"
    assert record["remedy"] == OF_DISPATCHER["dispatcher.E001"].remedy


def test_a_database_out_of_reach_ends_with_3():
    ended = webhooks("doctor", "--only", "server", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert (ended.code, ended.data) == (3, "")


def test_every_finding_has_its_place_on_the_page_and_the_page_no_other():
    page = (ROOT / "docs" / "reference" / "checks.md").read_text()
    headings = re.findall(r"(?m)^## (\S+)$", page)
    assert headings == [*OF_CORE, *OF_DISPATCHER]
    assert len(set(map(anchor, headings))) == len(headings)


def test_checks_name_only_what_is_in_a_catalogue():
    sources = [path.read_text() for room in ("core", "dispatcher") for path in (ROOT / room).glob("*.py")]
    named = {
        name for text in sources for name in re.findall(r'"((?:core|dispatcher|database)\.[EW]\d{3})"', text)
    }
    assert named == {*OF_CORE, *OF_DISPATCHER}
