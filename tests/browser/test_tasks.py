"""What people come for, done by clicking and typing alone."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.visit import Visitor
from tests.processes import until
from tools.demo_data.pages import Samples
from tools.demo_data.stage import Stage


@pytest.fixture
def page(admin: Visitor, stage: Stage) -> Iterator[Page]:
    """The admin's first page, open; nothing complained when the task is done."""
    assert admin.open(f"{stage.base}/ops/") == 200
    yield admin.page
    assert admin.told() == []


def test_why_a_delivery_failed_is_found_from_the_overview(page: Page) -> None:
    page.get_by_role("link", name="http_5xx").first.click()
    expect(page.get_by_role("heading", name="Deliveries", level=1)).to_be_visible()
    assert "code=http_5xx" in page.url
    page.locator("#rows tbody tr").first.get_by_role("link").first.click()
    expect(page.get_by_text("The endpoint failed with a 5xx status.").first).to_be_visible()
    expect(page.get_by_text("Whose problem").first).to_be_visible()


def test_what_a_receiver_answered_is_text_and_runs_nothing(
    page: Page, stage: Stage, samples: Samples
) -> None:
    page.goto(f"{stage.base}/ops/deliveries/{samples.of('delivery')}/")
    page.get_by_text("Request and answer").first.click()
    expect(page.get_by_text("<script>alert(document.domain)</script>").first).to_be_visible()


def test_sixteen_kibibytes_of_nuls_are_shown_harmlessly(page: Page, stage: Stage) -> None:
    page.goto(f"{stage.base}/ops/deliveries/?endpoint={stage.endpoints['long']}&code=http_5xx&range=1h")
    page.locator("#rows tbody tr").first.get_by_role("link").first.click()
    page.get_by_text("Request and answer").first.click()
    wider = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wider == 0
    expect(page.locator("pre b")).to_have_count(0)


def test_a_failed_hour_is_counted_confirmed_and_replayed(page: Page, stage: Stage) -> None:
    endpoint = stage.endpoints["misspelt"]
    page.goto(f"{stage.base}/ops/endpoints/{endpoint}/")
    page.get_by_role("link", name="Replay", exact=True).click()
    begin, end = datetime.now(tz=UTC) - timedelta(hours=1), datetime.now(tz=UTC) + timedelta(minutes=1)
    page.get_by_label("Events from (UTC)").fill(f"{begin:%Y-%m-%dT%H:%M:%S}")
    page.get_by_label("to before (UTC)").fill(f"{end:%Y-%m-%dT%H:%M:%S}")
    page.get_by_role("button", name="Count").click()
    counted = page.locator("#counted-title").inner_text()
    assert int(counted.split()[0]) > 0
    page.locator("section.question").get_by_role("button").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert "/ops/replays/rpl_" in page.url
    until(
        lambda: stage.rows("SELECT made FROM dispatcher_replay ORDER BY id DESC LIMIT 1")[0][0] > 0,
        what="the first delivery of the replay",
    )


def test_a_secret_is_rolled_with_an_overlap_and_the_audit_log_says_who(page: Page, stage: Stage) -> None:
    endpoint = stage.endpoints["bookings"]
    page.goto(f"{stage.base}/ops/endpoints/{endpoint}/")
    page.get_by_role("link", name="Roll").click()
    page.get_by_label("24 hours").check()
    page.get_by_role("button", name="Roll").click()
    assert page.locator("#secret").inner_text().startswith("whsec_")
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_text("the old one signs too")).to_be_visible()
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Audit log").click()
    row = page.locator("tbody tr").filter(has_text=endpoint).first
    expect(row).to_contain_text(stage.people["admin"])
    expect(row).to_contain_text("endpoint.secret_rolled")


def test_the_limits_of_an_endpoint_are_changed_and_the_audit_log_says_how_they_were(
    page: Page, stage: Stage
) -> None:
    endpoint = stage.endpoints["bookings"]
    page.goto(f"{stage.base}/ops/endpoints/{endpoint}/")
    page.get_by_role("link", name="Change", exact=True).click()
    page.get_by_label("Deliveries at once").fill("7")
    page.get_by_label("Deliveries a second").fill("2.5")
    page.get_by_role("button", name="Look at the change").click()
    expect(page.get_by_text("no limit → 2.5")).to_be_visible()
    page.get_by_role("button", name="Change").click()
    expect(page.get_by_text("The limits are changed.")).to_be_visible()
    expect(page.get_by_text("7 at once, 7 a claim; 2.50 a second, 3 in a burst")).to_be_visible()
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Audit log").click()
    row = page.locator("tbody tr").filter(has_text=endpoint).filter(has_text="endpoint.updated").first
    expect(row).to_contain_text("none → 2.5")


def test_a_viewer_reads_is_offered_no_change_and_is_told_who_may(
    viewer: Visitor, stage: Stage, samples: Samples
) -> None:
    page = viewer.page
    delivery = f"/ops/deliveries/{samples.of('delivery')}/"
    endpoint, replay = (f"/ops/{kind}s/{samples.of(kind)}/" for kind in ("endpoint", "replay"))
    changes = {
        delivery: ["resend/", "stop/"],
        endpoint: ["disable/", "enable/", "test/", "probe/", "limits/", "secret/", "roll/"],
        replay: ["pause/", "resume/", "cancel/"],
        "/ops/replays/": ["new/"],
        "/ops/dispatchers/": ["pause/", "resume/"],
    }
    for path, below in changes.items():
        assert viewer.open(stage.base + path) == 200
        offered = page.locator("main a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
        assert not {path + change for change in below} & {one.partition("?")[0] for one in offered}
        assert page.locator("main form[method=post]").count() == 0
    assert viewer.open(stage.base + delivery) == 200
    page.get_by_text("Request and answer").first.click()
    expect(page.get_by_text("Your role is viewer.").first).to_be_visible()
    expect(page.get_by_text("<script>alert(document.domain)</script>")).to_have_count(0)
    assert viewer.told() == []
    for address in [path + change for path, below in changes.items() for change in below] + ["/ops/people/"]:
        assert viewer.open(stage.base + address) == 403
        expect(page.get_by_text("An admin gives roles on the page People.")).to_be_visible()
    page.get_by_role("link", name="Operations", exact=True).click()
    expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible()


def test_what_was_missed_while_disabled_is_offered_when_enabled(page: Page, stage: Stage) -> None:
    endpoint = stage.endpoints["till"]
    page.goto(f"{stage.base}/ops/endpoints/{endpoint}/")
    page.get_by_role("link", name="Disable").click()
    page.get_by_role("button", name="Disable").click()
    client = stage.client("lumen")
    intent = client.post("/payment_intents/", {"amount": 450, "currency": "eur"}, expect=201).content["id"]
    client.ask(
        "POST", f"/payment_intents/{intent}/confirm/", body=b'{"payment_method": "pm_card_visa"}', expect=200
    )
    until(lambda: _skipped(stage, intent), what="the skipped delivery")
    page.get_by_role("link", name="Enable").click()
    page.get_by_role("button", name="Enable").click()
    expect(page.get_by_text("skipped while it was disabled")).to_be_visible()
    page.get_by_role("link", name="Replay them?").click()
    assert "only=missing" in page.url
    expect(page.get_by_role("heading", name="New replay")).to_be_visible()


def _skipped(stage: Stage, intent: str) -> bool:
    return bool(
        stage.rows(
            "SELECT 1 FROM dispatcher_finished_delivery AS delivery"
            " JOIN outbox_event AS event ON event.id = delivery.event_id"
            " WHERE event.object_id = %s AND delivery.state = 'skipped' AND event.type LIKE '%%succeeded'",
            intent,
        )
    )


def test_an_id_is_traced_by_the_keyboard_alone(page: Page, samples: Samples) -> None:
    payment = samples.of("payment")
    page.keyboard.press("/")
    page.keyboard.type(payment)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(payment)
    expect(page.get_by_role("heading", name="What happened")).to_be_visible()
    expect(page.get_by_text("payment_intent.succeeded").first).to_be_visible()


def test_rows_are_chosen_and_opened_by_keys(page: Page, stage: Stage) -> None:
    page.goto(f"{stage.base}/ops/deliveries/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator("tr.chosen")).to_have_count(1)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator("tr.chosen a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/ops/deliveries/dlv_*/")


def test_an_id_is_copied(page: Page, stage: Stage) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=stage.base)
    endpoint = stage.endpoints["orders"]
    page.goto(f"{stage.base}/ops/endpoints/{endpoint}/")
    button = page.locator("[data-copy=endpoint-id]")
    button.click()
    expect(button).to_have_text("Copied")
    assert page.evaluate("() => navigator.clipboard.readText()") == endpoint


def test_two_clicks_send_one_test_event(page: Page, stage: Stage) -> None:
    endpoint = stage.endpoints["orders"]
    before = _test_events(stage)
    page.goto(f"{stage.base}/ops/endpoints/{endpoint}/test/")
    names = ("csrfmiddlewaretoken", "confirmation")
    form: dict[str, str | float | bool] = {
        name: page.locator(f"main input[name={name}]").input_value() for name in names
    }
    page.get_by_role("button", name="Send").dblclick()
    page.wait_for_url("**/ops/deliveries/dlv_*/")
    # The same form once more, past the browser's own care.
    asked = f"{stage.base}/ops/endpoints/{endpoint}/test/"
    again = page.request.post(asked, form=form, headers={"Origin": stage.base})
    assert "This was done already" in again.text()
    assert _test_events(stage) == before + 1


def _test_events(stage: Stage) -> int:
    return int(stage.rows("SELECT count(*) FROM outbox_event WHERE type = 'endpoint.test'")[0][0])


def test_the_portal_opens_in_a_frame_of_an_allowed_origin_and_of_no_other(
    browser: Browser, stage: Stage
) -> None:
    with _site() as (origin, frame), _site() as (_, other):
        link = stage.portal_link("northwind", origins=[origin])
        tab = browser.new_page()
        tab.goto(f"{frame}?{link}")
        inside = tab.frame_locator("iframe")
        expect(inside.get_by_role("heading", name="Endpoints", level=1)).to_be_visible()
        inside.get_by_role("link", name="Deliveries").first.click()
        expect(inside.get_by_role("heading", name="Deliveries", level=1)).to_be_visible()
        refused: list[str] = []
        tab.on("console", lambda message: refused.append(message.text))
        tab.goto(f"{other}?{link}")
        for _ in range(100):  # the events of a tab come while it is waited for
            if any("frame-ancestors" in text for text in refused):
                break
            tab.wait_for_timeout(50)
        else:
            raise AssertionError(f"nothing was refused: {refused}")
        assert tab.frame_locator("iframe").get_by_role("heading", name="Endpoints").count() == 0
        tab.close()


@contextmanager
def _site() -> Iterator[tuple[str, str]]:
    """A page of somebody else's around the link behind its `?`: its origin, and its address."""

    class Around(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            link = self.path.partition("?")[2]
            body = (
                f'<!doctype html><title>Shop</title><iframe width="900" height="700" src="{link}"></iframe>'
            )
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Around) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        origin = f"http://localhost:{server.server_port}"
        try:
            yield origin, f"{origin}/"
        finally:
            server.shutdown()
            thread.join()
