"""Filters of all pages: moments, spans, addresses."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from api.pages.words import HOLDERS
from api.templatetags.pages import breakable, due, due_in, lasting, milliseconds, relative, span
from dispatcher.waiting import Holder

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.04, "< 0.1 ms"),
        (0.5, "0.5 ms"),
        (9.94, "9.9 ms"),
        (10, "10 ms"),
        (350, "350 ms"),
        (4_200, "4.2 s"),
        (0, "0 ms"),
    ],
)
def test_short_spans_have_a_decimal(value, shown):
    assert milliseconds(value) == shown
    assert span(timedelta(milliseconds=value)) == shown


@pytest.mark.parametrize(
    ("way", "passed", "at_once", "ahead"),
    [
        ("ago", "23 s ago", "now", "in 20 s"),
        ("due", "due for 23 s", "due now", "in 20 s"),
        ("for", "for 23 s", "now", "in 20 s"),
    ],
)
def test_what_has_passed_is_told_of_as_what_it_is(way, passed, at_once, ahead):
    told = [relative(NOW + timedelta(seconds=seconds), way, now=NOW) for seconds in (-23, 0.4, 20)]
    assert told == [passed, at_once, ahead]


def test_scripts_know_how_to_go_on_with_a_moment():
    then = timezone.now() - timedelta(hours=3)
    for shown, way in ((due(then), "due"), (due_in(then), "due"), (lasting(then), "for")):
        assert f'data-moment="{way}"' in shown
    assert due(None) == due_in(None) == "—"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://shop.test/hooks/in", "https://shop.test/<wbr>hooks/<wbr>in"),
        ("/payment_intents/pi_1/confirm/", "/payment_intents/<wbr>pi_1/<wbr>confirm/"),
        ("https://a.test//x", "https://a.test//x"),
        ("https://a.test/<b>/?a=1&b", "https://a.test/<wbr>&lt;b&gt;/<wbr>?a=1&amp;b"),
        ("", ""),
    ],
)
def test_addresses_break_behind_slashes_and_stay_text(address, shown):
    assert breakable(address) == shown


def test_names_break_behind_dots():
    assert breakable("payment_intent.payment_failed", ".") == "payment_intent.<wbr>payment_failed"
    assert breakable("<i>.x", ".") == "&lt;i&gt;.<wbr>x"


def test_every_holder_has_words():
    assert HOLDERS.keys() == set(Holder)
