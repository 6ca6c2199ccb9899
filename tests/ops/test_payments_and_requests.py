"""The pages of payments, requests and events."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from api.models import RequestLog
from api.ops.roles import Role
from core.models import PaymentIntent
from outbox.identifiers import encode_id, new_uuid
from outbox.models import Event
from tests.api.callers import Caller
from tests.api.conftest import bank, caller
from tests.dispatcher.plans import counted_rows
from tests.dispatcher.scenes import REFUSED, claim, fan_out, finish, query
from tests.ops.test_delivery import page, words

__all__ = ["bank", "caller"]
pytestmark = pytest.mark.django_db
Browsers = Callable[[Role | None], Client]
LISTS = ["/ops/payments/", "/ops/requests/"]


def ids(body: str, prefix: str) -> list[str]:
    """Those that have a page, in the order of the page."""
    found = re.findall(rf'href="/ops/(?:payments|requests|events)/({prefix}_\w+)/"', body)
    return list(dict.fromkeys(found))


def test_a_payment_has_its_charges_its_events_and_their_decisions(
    caller: Caller, bank: dict[str, Any], browser: Browsers
) -> None:
    caller.endpoint(enabled_events=["payment_intent.succeeded"])
    customer = caller.customer()["id"]
    asked = {
        "amount": 1050,
        "currency": "jpy",
        "customer": customer,
        "payment_method": "pm_card_visa",
        "confirm": True,
        "description": "<b>shoes</b>",
        "metadata": {"order": "‮1234"},
        "return_url": "https://shop.test/",
    }
    payment = caller.post("/v1/payment_intents", asked).json()
    caller.post("/v1/refunds", {"payment_intent": payment["id"], "amount": 50})
    fan_out()
    finish(claim(), REFUSED)
    body = page(browser(Role.VIEWER), f"/ops/payments/{payment['id']}/")
    told = words(body)
    assert "1,050 jpy" in told
    assert f"charge {payment['latest_charge']}" in told
    assert "50 jpy" in told
    assert "payment_intent.succeeded" in told
    assert "Waiting for attempt 2 of 13" in told
    assert "Skipped: not subscribed" in told
    assert "&lt;b&gt;shoes&lt;/b&gt;" in body
    assert "<bdi>‮1234</bdi>" in body
    assert payment["client_secret"] not in body


def test_a_refused_payment_says_why(caller: Caller, bank: dict[str, Any], browser: Browsers) -> None:
    payment = caller.intent(payment_method="pm_card_visa_chargeDeclined")["id"]
    caller.post(f"/v1/payment_intents/{payment}/confirm", {})
    told = words(page(browser(Role.VIEWER), f"/ops/payments/{payment}/"))
    assert "The last attempt to pay was refused: Your card was declined" in told


def test_payments_are_listed_with_sums_by_currency_and_filtered(caller: Caller, browser: Browsers) -> None:
    euros = caller.intent(amount=500, currency="eur")["id"]
    dollars = [caller.intent(amount=amount)["id"] for amount in (1000, 250)]
    client = browser(Role.VIEWER)
    body = page(client, "/ops/payments/")
    assert ids(body, "pi") == [*dollars[::-1], euros]
    assert "On this page: 5.00 eur, $12.50 usd" in words(body)
    assert ids(page(client, "/ops/payments/?currency=eur&status=requires_payment_method"), "pi") == [euros]
    assert ids(page(client, f"/ops/payments/?account={caller.account.public_id}&range=1h"), "pi")
    assert "No payment matches" in page(client, f"/ops/payments/?account={encode_id('acct', new_uuid())}")
    assert "No payment matches" in page(client, "/ops/payments/?until=2026-01-01&since=2025-12-01")


def test_requests_are_listed_and_filtered(caller: Caller, browser: Browsers) -> None:
    caller.customer()
    caller.get("/v1/customers/nobody")
    client = browser(Role.VIEWER)
    made, missing = (row.public_id for row in RequestLog.objects.order_by("id"))
    assert ids(page(client, "/ops/requests/"), "req") == [missing, made]
    for found, filters in (
        ([made], "method=POST"),
        ([missing], "answer=4xx"),
        ([missing], "path=nobody"),
        ([missing], "code=resource_missing"),
        ([made], f"account={caller.account.public_id}&method=POST&range=1h"),
        ([], "answer=5xx"),
    ):
        assert ids(page(client, f"/ops/requests/?{filters}"), "req") == found, filters


def test_a_request_shows_its_parameters_without_secrets_and_what_it_caused(
    caller: Caller, browser: Browsers
) -> None:
    caller.endpoint()
    made = caller.post(
        "/v1/customers", {"name": "<script>alert(1)</script>", "metadata": {"api_token": "hide-me"}}
    )
    body = page(browser(Role.OPERATOR), f"/ops/requests/{made['Request-Id']}/")
    told = words(body)
    assert "POST /v1/customers" in told
    assert "&lt;script&gt;alert(1)" in body
    assert "<script>alert" not in body
    assert "hide-me" not in body
    assert "customer.created" in told
    assert made.json()["id"] in told


def test_a_viewer_sees_a_request_without_what_it_said(caller: Caller, browser: Browsers) -> None:
    caller.endpoint()
    made = caller.post("/v1/customers", {"name": "Ada Lovelace", "email": "ada@example.test"})
    told = words(page(browser(Role.VIEWER), f"/ops/requests/{made['Request-Id']}/"))
    assert "Your role is viewer." in told
    assert "customer.created" in told
    assert not any(said in told for said in ("Ada", "ada@", "It had none."))


def test_a_request_that_was_refused_says_that_it_caused_nothing(caller: Caller, browser: Browsers) -> None:
    refused = caller.post("/v1/customers", {"nonsense": 1})
    told = words(page(browser(Role.VIEWER), f"/ops/requests/{refused['Request-Id']}/"))
    assert "Refused with parameter_unknown" in told
    assert "It was refused, so it changed nothing." in told


def test_an_event_shows_its_decisions_and_its_data_to_operators_alone(
    caller: Caller, browser: Browsers
) -> None:
    caller.endpoint()
    caller.customer(name="Ada <b>")
    event = Event.objects.get(type="customer.created").public_id
    fan_out()
    told = page(browser(Role.OPERATOR), f"/ops/events/{event}/")
    assert "Ada &lt;b&gt;" in told
    assert "Waiting for attempt 1 of 13" in words(told)
    assert "A customer was created." in told
    hidden = page(browser(Role.VIEWER), f"/ops/events/{event}/")
    assert "Ada" not in hidden
    assert "Your role is viewer." in hidden
    assert "Waiting for attempt 1 of 13" in words(hidden)


@pytest.mark.parametrize("path", LISTS)
def test_a_list_of_nothing_says_what_comes_next(browser: Browsers, path: str) -> None:
    assert "yet</h2>" in page(browser(Role.VIEWER), path)


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("account=we_1", "is the id of an endpoint; give one of an account, acct_"),
        ("account=nonsense", "is no id of an account"),
        ("account=" + "x" * 300, "must be at most 200 printable characters"),
        ("since=2026-11-02&until=2026-11-01", "must be later than since"),
        ("range=2d", "is no range: take one of"),
        ("since=yesterday", "is no moment"),
        ("older=evt_1", "older"),
        ("status=%3Cb%3E&answer=%3Cb%3E", "is not known; take one of"),
        ("account=%00", "printable"),
    ],
)
def test_a_filter_that_is_wrong_is_named_and_the_page_loads(
    browser: Browsers, path: str, query: str, says: str
) -> None:
    body = page(browser(Role.VIEWER), f"{path}?{query}", status=400)
    assert says in body
    assert "This was not understood, and is left out:" in body
    assert "<b>" not in body


@pytest.mark.parametrize(
    ("path", "prefix", "noun"),
    [("payments", "pi", "payment"), ("requests", "req", "request"), ("events", "evt", "event")],
)
def test_unknown_ids_and_ids_of_another_kind_say_so(
    browser: Browsers, path: str, prefix: str, noun: str
) -> None:
    client = browser(Role.VIEWER)
    unknown, other = encode_id(prefix, new_uuid()), encode_id("dlv", new_uuid())
    assert f"There is no {noun} {unknown}." in page(client, f"/ops/{path}/{unknown}/", status=404)
    assert f'href="/ops/deliveries/{other}/"' in page(client, f"/ops/{path}/{other}/", status=404)


def test_lists_read_a_window_however_long_they_are(caller: Caller, browser: Browsers) -> None:
    caller.intent()
    for table, fresh in (
        ("core_payment_intent", {"id": "outbox_uuid7()", "client_secret": "gen_random_uuid()::text"}),
        ("api_request_log", {"id": "outbox_uuid7()"}),
    ):
        names = [name for (name,) in query(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0", table)]  # fmt: skip
        columns = ", ".join(f'"{name}"' for name in names)
        values = ", ".join(fresh.get(name, f'one."{name}"') for name in names)
        query(
            f"INSERT INTO {table} ({columns}) SELECT {values} "
            f"FROM (SELECT * FROM {table} LIMIT 1) one, generate_series(1, 12000)"
        )
    query("ANALYZE")
    client = browser(Role.VIEWER)
    account = caller.account.public_id
    for path, most in (
        ("/ops/payments/", 200),
        (f"/ops/payments/?account={account}", 200),
        ("/ops/payments/?status=canceled", 5_100),
        ("/ops/requests/", 200),
        (f"/ops/requests/?account={account}&answer=5xx", 5_100),
    ):
        with counted_rows() as count:
            body = page(client, path)
        assert count.largest() <= most, f"{path}: {count.worst()}"
    assert PaymentIntent.objects.count() > 12_000
    assert "Searched back to" in body
    further = re.search(r'href="(\?[^"]+)">Search further', body)
    assert further is not None
    once_more = page(client, f"/ops/requests/{further[1].replace('&amp;', '&')}")
    assert "Searched back to" in once_more
    assert further[1] not in once_more
