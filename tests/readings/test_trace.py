"""From any id to the whole way."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.models import RequestLog
from api.readings.identifying import KINDS, NothingKnown
from api.readings.steps import Trace, Verdict
from api.readings.trace import trace
from core.models import PaymentIntent
from dispatcher.models import Attempt, Delivery, Endpoint, FinishedDelivery
from outbox.identifiers import encode_id, new_uuid
from outbox.models import Event
from tests.api.callers import HOOK, Caller
from tests.dispatcher.plans import counted_rows
from tests.dispatcher.scenes import REFUSED, claim, fan_out, finish, make_due, make_endpoint, query, record

pytestmark = pytest.mark.django_db

MOST = 9  # statements


def traced(text: str, **options: Any) -> Trace:
    with CaptureQueriesContext(connection) as captured:
        found = trace(text, **options)
    assert len(captured) <= MOST, [one["sql"] for one in captured]
    return found


@pytest.fixture
def paid(caller: Caller, bank: dict[str, Any]) -> dict[str, str]:
    """A payment with its customer, charge and refund, delivered to one of two endpoints; ids by prefix."""
    endpoint = caller.endpoint(enabled_events=["*"])
    caller.endpoint(enabled_events=["refund.created"], url=f"{HOOK}?other")
    customer = caller.customer(email="ada@x.test")
    asked = caller.post(
        "/v1/payment_intents",
        {
            "amount": 2000,
            "currency": "usd",
            "customer": customer["id"],
            "payment_method": "pm_card_visa",
            "confirm": True,
            "return_url": "https://shop.test/",
        },
    )
    assert asked.json()["status"] == "succeeded", asked.content
    payment = asked.json()
    refund = caller.post("/v1/refunds", {"payment_intent": payment["id"], "amount": 500}).json()
    fan_out()
    finish(claim())
    event = Event.objects.get(type="payment_intent.succeeded")
    delivery = FinishedDelivery.objects.get(event_id=event.id)
    attempt = Attempt.objects.get(delivery_id=delivery.id)
    return {
        "req": asked["Request-Id"],
        "pi": payment["id"],
        "ch": payment["latest_charge"],
        "re": refund["id"],
        "cus": customer["id"],
        "evt": event.public_id,
        "dlv": encode_id("dlv", delivery.id),
        "att": attempt.public_id,
        "we": endpoint["id"],
        "acct": caller.account.public_id,
    }


@pytest.mark.parametrize("prefix", ["req", "pi", "ch", "re", "evt", "dlv", "att", "cus"])
def test_any_id_of_a_payment_leads_to_its_whole_way(paid: dict[str, str], prefix: str) -> None:
    found = traced(paid[prefix])
    assert (found.id, found.kind, found.owner) == (paid[prefix], KINDS[prefix].noun, paid["acct"])
    assert [step.id for step in found.payments] == [paid["pi"]]
    assert [(step.id, step.kind) for step in found.payments[0].money] == [
        (paid["ch"], "charge"),
        (paid["re"], "refund"),
    ]
    assert found.customer == paid["cus"]
    types = [event.type for event in found.events]
    assert {
        "payment_intent.created",
        "payment_intent.succeeded",
        "charge.succeeded",
        "refund.created",
    } <= set(types)
    assert [event.created_at for event in found.events] == sorted(event.created_at for event in found.events)
    assert paid["req"] in {step.id for step in found.requests}
    request = next(step for step in found.requests if step.id == paid["req"])
    assert (request.method, request.path, request.status) == ("POST", "/v1/payment_intents", 200)
    succeeded = next(event for event in found.events if event.id == paid["evt"])
    delivered, other = succeeded.decisions
    assert (delivered.endpoint, delivered.verdict, delivered.words) == (
        paid["we"],
        Verdict.DELIVERED,
        "delivered with attempt 1",
    )
    assert delivered.delivery is not None
    assert (delivered.delivery.id, delivered.delivery.attempts[0].id) == (paid["dlv"], paid["att"])
    assert (other.verdict, other.words, other.delivery) == (
        Verdict.NOT_SUBSCRIBED,
        "skipped: not subscribed",
        None,
    )
    assert found.sentence.endswith("delivered.")


def test_an_endpoint_is_traced_by_its_newest_deliveries(paid: dict[str, str]) -> None:
    found = traced(paid["we"])
    assert found.endpoint is not None
    assert (found.endpoint.id, found.endpoint.url, found.endpoint.status) == (paid["we"], HOOK, "enabled")
    assert found.events[0].created_at >= found.events[-1].created_at
    assert {one.endpoint for one in found.decisions()} == {paid["we"]}
    assert paid["dlv"] in {one.delivery.id for one in found.decisions() if one.delivery}


def test_an_account_is_traced_by_its_newest_events(paid: dict[str, str]) -> None:
    found = traced(paid["acct"])
    assert len(found.events) == Event.objects.count()
    assert found.events[0].created_at >= found.events[-1].created_at


@pytest.mark.parametrize("prefix", ["req", "pi", "ch", "re", "cus", "evt", "dlv", "att", "we", "acct"])
def test_another_accounts_ids_are_as_unknown_as_any(
    paid: dict[str, str], other_caller: Caller, prefix: str
) -> None:
    with pytest.raises(NothingKnown) as refused:
        trace(paid[prefix], owner=other_caller.account.public_id)
    assert f"There is no {KINDS[prefix].noun} {paid[prefix]}." in refused.value.message


@pytest.mark.parametrize("prefix", KINDS)
def test_an_id_of_nothing_says_so(db: None, prefix: str) -> None:
    unknown = encode_id(prefix, new_uuid())
    with pytest.raises(NothingKnown, match=f"There is no {KINDS[prefix].noun} {unknown}"):
        traced(unknown)


def test_a_request_that_changed_nothing_is_traced_by_its_path(paid: dict[str, str], caller: Caller) -> None:
    refused = caller.post(f"/v1/payment_intents/{paid['pi']}/confirm", {})
    found = traced(refused["Request-Id"])
    assert [step.id for step in found.payments] == [paid["pi"]]
    asked = next(step for step in found.requests if step.id == refused["Request-Id"])
    assert (asked.status, asked.error_code) == (400, "payment_intent_unexpected_state")


def test_a_request_without_a_key_is_traced_alone(caller: Caller) -> None:
    caller.key = None
    refused = caller.get("/v1/customers")
    found = traced(refused["Request-Id"])
    assert (found.owner, found.events, found.payments) == (None, (), ())
    assert found.requests[0].status == 401
    with pytest.raises(NothingKnown):
        trace(refused["Request-Id"], owner=caller.account.public_id)


def test_a_request_of_another_accounts_payment_shows_nothing_of_it(
    paid: dict[str, str], other_caller: Caller
) -> None:
    curious = other_caller.get(f"/v1/payment_intents/{paid['pi']}")
    found = traced(curious["Request-Id"])
    assert (found.owner, found.payments, found.events) == (other_caller.account.public_id, (), ())


def words_of(event: Event) -> dict[str, str]:
    """The only event's decisions by URL."""
    found = traced(event.public_id)
    return {one.url or "": one.words for one in found.events[0].decisions}


def test_every_endpoint_has_a_decision_in_words(db: None) -> None:
    for name, types in (("all", ["*"]), ("other", ["parcel.lost"])):
        make_endpoint(url=f"https://{name}.test/", enabled_events=types)
    make_endpoint(url="https://off.test/", status="disabled")
    event = record()[0]
    assert words_of(event)["https://all.test/"] == "waiting to be fanned out"
    fan_out()
    make_endpoint(url="https://late.test/")
    off = Endpoint.objects.get(url="https://off.test/")
    since = f"{off.status_since:%Y-%m-%d %H:%M UTC}"
    words = words_of(event)
    late = words.pop("https://late.test/")
    assert late.startswith("skipped: the endpoint was made later, ")
    assert words == {
        "https://all.test/": "waiting for attempt 1 of 13",
        "https://other.test/": "skipped: not subscribed",
        "https://off.test/": f"skipped: disabled since {since}",
    }
    claims = claim()
    assert words_of(event)["https://all.test/"] == "attempt 1 of 13 is under way"
    finish(claims, REFUSED)
    assert words_of(event)["https://all.test/"] == "waiting for attempt 2 of 13"
    query("UPDATE dispatcher_delivery SET attempts = 12")
    assert words_of(event)["https://all.test/"] == "waiting for attempt 13 of 13, the last one"
    make_due()
    finish(claim(), REFUSED)
    assert (
        words_of(event)["https://all.test/"] == "dead-lettered after 13 attempts: the retry schedule is over"
    )
    Endpoint.objects.filter(id=off.id).update(status="enabled")
    assert words_of(event)["https://off.test/"] == "skipped: the endpoint was disabled then"


def test_attempts_beyond_the_last_ones_are_counted(db: None) -> None:
    make_endpoint()
    event = record()[0]
    fan_out()
    for _ in range(12):
        finish(claim(), REFUSED)
        make_due()
    query("INSERT INTO dispatcher_attempt SELECT (jsonb_populate_record(a, jsonb_build_object("
          "'id', outbox_uuid7(), 'number', 12 + n))).* FROM dispatcher_attempt a, generate_series(1, 10) n "
          "WHERE number = 12")  # fmt: skip
    delivery = traced(event.public_id).events[0].decisions[0].delivery
    assert delivery is not None
    assert [one.number for one in delivery.attempts] == list(range(8, 23))
    assert delivery.earlier_attempts == 7


def test_a_delivery_is_traced_when_its_event_is_past_its_retention(db: None) -> None:
    make_endpoint()
    event = record()[0]
    fan_out()
    delivery = Delivery.objects.get()
    Event.objects.filter(id=event.id).delete()
    found = traced(encode_id("dlv", delivery.id))
    assert [one.type for one in found.events] == ["no longer stored"]
    assert found.events[0].decisions[0].verdict is Verdict.WAITING


def test_an_event_of_very_many_endpoints_shows_some_and_the_one_that_was_asked_for(db: None) -> None:
    for number in range(60):
        make_endpoint(url=f"https://shop.test/{number}")
    record()
    fan_out()
    last = Delivery.objects.order_by("id").last()
    assert last is not None
    found = traced(encode_id("dlv", last.id))
    shown = [one.delivery.id for one in found.events[0].decisions if one.delivery]
    assert (len(shown), found.events[0].more_decisions) == (26, True)
    assert encode_id("dlv", last.id) in shown


@pytest.mark.postgres_versions
def test_a_trace_reads_little_of_a_long_history(paid: dict[str, str], caller: Caller) -> None:
    _grow(caller)
    for text in paid.values():
        with counted_rows() as count:
            trace(text)
        assert count.largest() <= 1_100, f"{text}: {count.worst()}"


def _grow(caller: Caller) -> None:
    """5,000 events, deliveries and attempts of the same account and endpoints, before and after."""
    for table, fresh in (
        ("outbox_event", {"id": "outbox_uuid7()", "object_id": "'pi_' || n"}),
        ("dispatcher_finished_delivery", {"id": "outbox_uuid7()", "event_id": "outbox_uuid7()"}),
        ("dispatcher_attempt", {"id": "outbox_uuid7()", "delivery_id": "outbox_uuid7()"}),
        ("api_request_log", {"id": "outbox_uuid7()"}),
        ("core_payment_intent", {"id": "outbox_uuid7()", "client_secret": "gen_random_uuid()::text"}),
    ):
        names = [name for (name,) in query(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0", table)]  # fmt: skip
        columns = ", ".join(f'"{name}"' for name in names)
        values = ", ".join(fresh.get(name, f'one."{name}"') for name in names)
        query(
            f"INSERT INTO {table} ({columns}) SELECT {values} "
            f"FROM (SELECT * FROM {table} ORDER BY id LIMIT 1) one, generate_series(1, 5000) n"
        )
    query("ANALYZE")
    assert RequestLog.objects.count() > 5_000
    assert PaymentIntent.objects.filter(account=caller.account).count() > 5_000
