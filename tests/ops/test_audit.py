"""The audit log: what is written into it, and its page."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from api.models import AuditEntry
from api.ops.roles import Role
from api.pages.audit import record

pytestmark = pytest.mark.django_db
Browsers = Callable[[Role | None], Client]


def entry(**changes: Any) -> None:
    whole = {
        "actor": "ada",
        "role": "operator",
        "action": "endpoint.disabled",
        "subject": "we_1",
        "account": "acct_1",
    }
    record(**{**whole, "before": {"status": "enabled"}, "after": {"status": "disabled"}, **changes})


def test_secrets_never_get_into_it():
    entry(
        before={
            "secret": "whsec_abc",
            "note": "it was sk_test_abc",
            "previous_secret_expires_at": "2026-11-22",
        },
        after={
            "url": "https://user:word@shop.test/hook?key=1",
            "list": ["whsec_def"],
            "deep": {"api_token": "t"},
        },
    )
    written = AuditEntry.objects.get()
    assert written.before == {
        "secret": "[redacted]",
        "note": "it was [redacted]",
        "previous_secret_expires_at": "2026-11-22",
    }
    assert written.after == {
        "url": "https://[redacted]@shop.test/hook?[redacted]",
        "list": ["[redacted]"],
        "deep": {"api_token": "[redacted]"},
    }


def test_an_empty_log_says_what_will_be_in_it(browser: Browsers):
    answer = browser(Role.VIEWER).get("/ops/audit/")
    assert answer.status_code == 200
    assert "Nobody has changed anything yet" in answer.content.decode()


def test_each_entry_says_who_what_and_how_it_was(browser: Browsers):
    entry(network="192.0.2.7", subject="we_<b>")
    text = browser(Role.VIEWER).get("/ops/audit/").content.decode()
    assert "<del>enabled</del> → <ins>disabled</ins>" in text
    assert "we_&lt;b&gt;" in text
    assert "192.0.2.7" in text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("actor=ada", 3),
        ("actor=ada&action=replay.started", 1),
        ("subject=we_1", 2),
        ("account=acct_2", 1),
        ("actor=nobody", 0),
        ("range=1h", 4),
        ("until=2026-01-01", 0),
    ],
)
def test_filters_narrow_it(browser: Browsers, query: str, found: int):
    for changes in (
        {},
        {"actor": "bob", "subject": "we_2"},
        {"action": "replay.started"},
        {"account": "acct_2", "subject": "k"},
    ):
        entry(**changes)
    answer = browser(Role.VIEWER).get(f"/ops/audit/?{query}")
    assert answer.status_code == 200
    assert answer.content.decode().count("<time") == found
    assert ("No entry matches" in answer.content.decode()) == (found == 0)


@pytest.mark.parametrize(
    "query", ["older=dlv_1", "since=2026-02-02&until=2026-01-01", "range=x", "actor=%00"]
)
def test_what_is_not_understood_is_told_and_the_log_is_shown(browser: Browsers, query: str):
    entry()
    answer = browser(Role.VIEWER).get(f"/ops/audit/?{query}")
    assert answer.status_code == 400
    text = answer.content.decode()
    assert 'role="alert"' in text
    assert text.count("<time") == 1


def test_pages_are_walked_both_ways_by_key(browser: Browsers, django_assert_max_num_queries: Any):
    for number in range(120):
        entry(subject=f"we_{number:03}")
    client = browser(Role.VIEWER)

    def page(path: str) -> tuple[list[str], dict[str, str]]:
        with django_assert_max_num_queries(12):
            text = client.get(path).content.decode()
        links = {
            word: link.replace("&amp;", "&")
            for link, word in re.findall(r'href="(\?[^"]*)">(?:← )?(Newer|Older)', text)
        }
        return re.findall(r"\?subject=(we_\d+)", text), links

    first, links = page("/ops/audit/?action=endpoint.disabled")
    assert (first[0], first[-1], list(links)) == ("we_119", "we_070", ["Older"])
    second, links = page("/ops/audit/" + links["Older"])
    assert (second[0], second[-1], sorted(links)) == ("we_069", "we_020", ["Newer", "Older"])
    third, more = page("/ops/audit/" + links["Older"])
    assert (third[0], third[-1], list(more)) == ("we_019", "we_000", ["Newer"])
    again, links = page("/ops/audit/" + links["Newer"])
    assert again == first
    assert list(links) == ["Older"]
