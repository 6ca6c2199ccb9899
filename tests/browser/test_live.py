"""The live list of deliveries: it shows what comes, holds still while it is in use, and says when it cannot be had."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visit import Visitor
from tools.demo_data.stage import Stage

LIVE = "/ops/deliveries/?live=1"
HELD = """() => new Promise((done) => document.addEventListener(
  "htmx:beforeRequest", (event) => setTimeout(() => done(event.defaultPrevented)), {once: true}))"""


@pytest.fixture
def live(stage: Stage, admin: Visitor) -> Iterator[Page]:
    assert admin.open(stage.base + LIVE) == 200
    yield admin.page
    # Whatever is asked when the page goes is nobody's complaint.
    admin.page.goto("about:blank")
    admin.complaints.clear()


def test_what_comes_is_shown_without_a_reload(live: Page, stage: Stage) -> None:
    newest = live.locator("#rows tbody tr").first.locator("a").first
    before = newest.get_attribute("title")
    assert before is not None
    stage.client("northwind").post("/payment_intents/", {"amount": 4242, "currency": "usd"}, expect=201)
    expect(newest).not_to_have_attribute("title", before, timeout=30_000)


def test_it_holds_still_while_a_row_is_in_use(live: Page) -> None:
    assert live.evaluate(HELD) is False
    live.locator("#rows tbody a").first.focus()
    assert live.evaluate(HELD) is True
    live.locator("h1").click()
    live.evaluate("() => document.activeElement.blur()")
    assert live.evaluate(HELD) is False


def test_it_says_when_what_is_new_cannot_be_had(live: Page) -> None:
    failed = live.locator("#load-failed")
    expect(failed).to_be_hidden()
    live.route("**/ops/deliveries/?live=1", lambda route: route.abort())
    expect(failed).to_be_visible(timeout=30_000)
    live.unroute("**/ops/deliveries/?live=1")
    expect(failed).to_be_hidden(timeout=30_000)
    live.route("**/ops/deliveries/?live=1", lambda route: route.fulfill(body="<h1>Log in</h1>"))
    expect(failed).to_be_visible(timeout=30_000)
    expect(live.locator("#rows tbody tr").first).to_be_visible()
