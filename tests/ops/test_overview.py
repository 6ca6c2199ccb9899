"""The first page: a sentence, figures, charts of rollups, and links to what is behind each."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from api.ops.pages import NAVIGATION
from api.ops.roles import Role
from dispatcher.pause import pause_deliveries
from tests.dispatcher.scenes import make_endpoint
from tests.ops.scenes import roll_up

pytestmark = pytest.mark.django_db
Browsers = Callable[[Role | None], Client]


def test_before_the_first_endpoint_it_says_what_to_do(browser: Browsers):
    text = browser(Role.VIEWER).get("/ops/").content.decode()
    assert "No endpoints yet: nothing is sent before there is one." in text
    assert "Nothing to deliver yet" in text
    assert "<svg viewBox=" in text  # the mark of the page, and no chart
    assert "Figures of this chart" not in text


def test_the_figures_are_those_of_the_range(browser: Browsers):
    endpoint = make_endpoint()
    minute = roll_up(ok=7, codes={"http_5xx": 2, "timeout_total": 1}, waits=10)
    roll_up(endpoint=endpoint, ok=7, codes={"http_5xx": 2, "timeout_total": 1})
    roll_up(minutes_ago=300, ok=90)
    text = re.sub(r"\s+", " ", browser(Role.VIEWER).get("/ops/?range=1h").content.decode())
    assert '<dt>Attempts</dt><dd>10<small>3 failed, <span title="Failed attempts of a hundred' in text
    assert ">30.0 %</span>" in text
    assert "2 of 3 failed; 2 codes" in text
    assert 'href="/ops/deliveries/?code=timeout_total&amp;range=1h"' in text
    # A bar leads to the deliveries of its minute.
    span = f"since={minute:%Y-%m-%dT%H}%3A{minute:%M}%3A00Z&amp;until={minute + timedelta(minutes=1):%Y-%m-%dT%H}%3A"
    assert text.count(f'href="/ops/deliveries/?{span}') == 2
    assert f'href="/ops/endpoints/{endpoint.public_id}/"' in text
    assert 'aria-label="10 attempts, 3 failed"' in text
    assert "100 attempts" not in text


def test_a_pause_is_said_before_anything_else(browser: Browsers):
    make_endpoint()
    pause_deliveries(reason="moving house")
    text = browser(Role.VIEWER).get("/ops/").content.decode()
    assert "Deliveries are paused since" in text
    assert "(moving house)" in text
    assert "before deliveries are resumed" in text


@pytest.mark.parametrize("query", ["range=1y", "since=x", "since=2026-02-02&until=2026-01-01"])
def test_a_range_that_is_none_is_told_and_a_day_is_shown(browser: Browsers, query: str):
    make_endpoint()
    answer = browser(Role.VIEWER).get(f"/ops/?{query}")
    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()
    assert "last 24 hours" in answer.content.decode()


@pytest.mark.parametrize("query", ["range=1h", "range=30d", "since=2026-09-01&until=2026-09-02"])
def test_it_costs_few_statements(browser: Browsers, django_assert_max_num_queries: Any, query: str):
    for number in range(12):
        roll_up(endpoint=make_endpoint(url=f"https://shop.test/{number}"), codes={"http_5xx": 1 + number})
    roll_up(codes={"http_5xx": 90})
    client = browser(Role.VIEWER)
    client.get("/ops/")
    with django_assert_max_num_queries(12):
        assert client.get(f"/ops/?{query}").status_code == 200


def test_an_address_with_markup_in_it_is_text(browser: Browsers):
    roll_up(endpoint=make_endpoint(url='https://shop.test/"><script>x'), codes={"http_5xx": 1})
    text = browser(Role.VIEWER).get("/ops/").content.decode()
    assert "<script>x" not in text
    assert "&lt;script&gt;x" in text


def test_the_navigation_names_each_page_once():
    assert (
        len({item.path for item in NAVIGATION}) == len({item.key for item in NAVIGATION}) == len(NAVIGATION)
    )
