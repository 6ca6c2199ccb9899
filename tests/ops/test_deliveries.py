"""The list of deliveries: its lines, filters, exact ids, pages, empty states and the live form."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from api.ops.roles import Role
from dispatcher.models import Delivery, Endpoint
from outbox.identifiers import encode_id, new_uuid
from outbox.models import Event
from tests.dispatcher.plans import counted_rows
from tests.dispatcher.scenes import (
    REFUSED,
    SUCCESS,
    claim,
    fan_out,
    finish,
    make_due,
    make_endpoint,
    query,
    record,
)
from tests.ops.test_delivery import page, words

pytestmark = pytest.mark.django_db
Browsers = Callable[[Role | None], Client]
LIST = "/ops/deliveries/"


def listed(body: str) -> list[str]:
    return re.findall(r'title="(dlv_\w+)"', body)


def test_a_line_says_how_its_delivery_stands(browser: Browsers) -> None:
    endpoint = make_endpoint(url="https://shop.test/hook?key=hidden")
    event = record(type="customer.created")[0]
    fan_out()
    finish(claim(), REFUSED)
    client = browser(Role.VIEWER)
    body = page(client, LIST)
    told = words(body)
    delivery = encode_id("dlv", Delivery.objects.get().id)
    assert listed(body) == [delivery]
    assert f'href="/ops/deliveries/{delivery}/"' in body
    assert f'href="/ops/events/{event.public_id}/"' in body
    assert f'href="/ops/endpoints/{endpoint.public_id}/"' in body
    assert 'href="/docs/failure-codes/#http_5xx"' in body
    assert "customer.created" in told
    assert "shop.test/hook" in told
    assert "hidden" not in told
    assert "waiting customer.created" in told
    assert "500 http_5xx" in told
    assert "1/13" in told
    query("UPDATE dispatcher_delivery SET attempts = 12")
    assert "the last one, then it stops" in page(client, LIST)
    make_due()
    finish(claim(), REFUSED)
    told = words(page(client, LIST))
    assert "dead-lettered the retry schedule is over" in told
    assert "13 · 500" in told  # of how many, nobody wrote down


def test_filters_leave_what_matches(browser: Browsers) -> None:
    one, other = make_endpoint(owner=encode_id("acct", new_uuid())), make_endpoint()
    record(owner=one.owner, type="customer.created")
    record(type="refund.created")
    fan_out()
    for each in claim():
        finish([each], SUCCESS if each.endpoint.id == one.id else REFUSED)
    client = browser(Role.VIEWER)
    mine, failed = (
        listed(page(client, f"{LIST}?endpoint={endpoint.public_id}"))[0] for endpoint in (one, other)
    )
    for filters, found in (
        ("", {mine, failed}),
        ("state=succeeded", {mine}),
        ("state=pending", {failed}),
        ("state=skipped", set()),
        ("code=http_5xx", {failed}),
        ("code=http_5xx&range=1h", {failed}),
        ("code=http_5xx&since=2026-01-01&until=2026-01-02", set()),
        ("code=timeout_total", set()),
        ("type=customer.created", {mine}),
        (f"account={one.owner}", {mine}),
        (f"account={one.owner}&state=pending", set()),
        ("range=24h", {mine, failed}),
    ):
        body = page(client, f"{LIST}?{filters}")
        assert set(listed(body)) == found, filters
        assert ("No delivery matches" in body) == (not found), filters


def test_an_exact_id_leads_to_what_it_names(browser: Browsers) -> None:
    client = browser(Role.VIEWER)
    for prefix, path in (("dlv", "deliveries"), ("evt", "events"), ("we", "endpoints"), ("pi", "payments")):
        named = encode_id(prefix, new_uuid())
        answer = client.get(f"{LIST}?id=%20{named}")
        assert (answer.status_code, answer["Location"]) == (302, f"/ops/{path}/{named}/")
    body = page(client, f"{LIST}?id=dlv_short", status=400)
    assert "is too short: 22 letters and digits follow dlv_" in body


def test_pages_follow_each_other_and_keep_the_filters(browser: Browsers) -> None:
    make_endpoint()
    record(60)
    fan_out()
    client = browser(Role.VIEWER)
    first = page(client, f"{LIST}?state=pending")
    older = re.search(r'href="\?([^"]+)">Older', first)
    assert older is not None
    second = page(client, f"{LIST}?{older[1].replace('&amp;', '&')}")
    assert (len(listed(first)), len(listed(second))) == (50, 10)
    assert not set(listed(first)) & set(listed(second))
    assert 'href="?state=pending&amp;">← Newest' in second
    assert "live=1" not in second


@pytest.mark.parametrize(
    ("filters", "says"),
    [
        ("state=lost", "is not known; take one of pending, sending"),
        ("code=oops", "is not known; take one of redirect_refused"),
        ("endpoint=evt_1", "is the id of an event; give one of an endpoint, we_"),
        ("account=%3Cb%3E", "is no id of an account"),
        ("since=2026-11-02&until=2026-11-01", "must be later than since"),
        ("range=2d", "is no range"),
        ("cursor=nonsense", "is none that a page gave; begin with the first page"),
        ("cursor=event-0-0", "begin with the first page"),
        ("type=" + "x" * 300, "must be at most 200 printable characters"),
        ("type=%00", "printable"),
    ],
)
def test_a_filter_that_is_wrong_is_named_and_the_page_loads(
    browser: Browsers, filters: str, says: str
) -> None:
    make_endpoint()
    record()
    fan_out()
    body = page(browser(Role.VIEWER), f"{LIST}?{filters}", status=400)
    assert says in body
    assert len(listed(body)) == 1
    assert "<b>" not in body


def test_the_live_list_asks_for_its_rows_and_can_be_paused(browser: Browsers) -> None:
    make_endpoint()
    record()
    fan_out()
    client = browser(Role.VIEWER)
    still = page(client, f"{LIST}?state=pending")
    assert "hx-get" not in still
    assert 'href="?state=pending&amp;live=1"' in still
    live = page(client, f"{LIST}?state=pending&live=1")
    assert (
        'hx-get="/ops/deliveries/?state=pending&amp;live=1" hx-trigger="every 2s" hx-select="#rows"' in live
    )
    assert 'href="?state=pending&amp;" aria-current="true"' in live
    assert 'id="load-failed" role="alert" hidden' in live
    assert len(listed(live)) == 1


def test_nothing_yet_says_what_comes_next(browser: Browsers) -> None:
    told = words(page(browser(Role.VIEWER), LIST))
    assert "Nothing was delivered yet" in told
    assert "Once an account has an endpoint" in told


@pytest.mark.parametrize("url", ["https://shop.test/" + "x" * 1_980, "https://shop.test/‮gnp.exe"])
def test_long_and_backward_urls_are_shortened_and_isolated(browser: Browsers, url: str) -> None:
    make_endpoint(url=url)
    record()
    fan_out()
    cell = re.search(r"<bdi>(shop\.test[^<]*)</bdi>", page(browser(Role.VIEWER), LIST))
    assert cell is not None
    assert len(cell[1]) <= 36


def test_a_page_of_a_long_history_reads_little_more_than_itself(browser: Browsers) -> None:
    make_endpoint()
    record()
    fan_out()
    finish(claim(), SUCCESS)
    query(
        "INSERT INTO dispatcher_finished_delivery SELECT (jsonb_populate_record(d, jsonb_build_object("
        "'id', outbox_uuid7(), 'event_id', outbox_uuid7()))).* "
        "FROM dispatcher_finished_delivery d, generate_series(1, 8000)"
    )
    query("ANALYZE")
    client = browser(Role.VIEWER)
    endpoint = Endpoint.objects.get().public_id
    for filters, most in (("", 600), (f"endpoint={endpoint}", 1_000), ("state=dead_lettered", 600)):
        with counted_rows() as count:
            page(client, f"{LIST}?{filters}")
        assert count.largest() <= most, f"{filters}: {count.worst()}"
    assert Event.objects.count() == 1
