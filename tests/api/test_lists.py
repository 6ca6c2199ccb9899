"""Lists: newest first, paged by key."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from core.models import Customer
from outbox.identifiers import floor_uuid
from tests.api.callers import Caller


def _ids(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [shown["id"] for shown in response.json()["data"]]


@pytest.fixture
def five(caller: Caller) -> list[str]:
    """Ids, newest first."""
    return [caller.customer(name=str(number))["id"] for number in range(5)][::-1]


def test_a_list_is_newest_first_in_stripes_envelope(caller: Caller, five: list[str]) -> None:
    response = caller.get("/v1/customers")
    assert _ids(response) == five
    assert {name: response.json()[name] for name in ("object", "has_more", "url")} == {
        "object": "list",
        "has_more": False,
        "url": "/v1/customers",
    }


def test_pages_forward_meet_without_gap_or_overlap(caller: Caller, five: list[str]) -> None:
    first = caller.get("/customers/", limit=2)
    second = caller.get("/customers/", limit=2, starting_after=_ids(first)[-1])
    third = caller.get("/customers/", limit=2, starting_after=_ids(second)[-1])
    assert _ids(first) + _ids(second) + _ids(third) == five
    assert [page.json()["has_more"] for page in (first, second, third)] == [True, True, False]


def test_pages_backward_stay_newest_first(caller: Caller, five: list[str]) -> None:
    page = caller.get("/customers/", limit=2, ending_before=five[3])
    assert _ids(page) == five[1:3]
    assert page.json()["has_more"] is True
    rest = caller.get("/customers/", limit=2, ending_before=five[1])
    assert (_ids(rest), rest.json()["has_more"]) == (five[:1], False)


@pytest.mark.parametrize(
    ("bounds", "seconds"),
    [
        ({"created": 102}, [102]),
        ({"created[gte]": 102}, [103, 102]),
        ({"created[gt]": 102}, [103]),
        ({"created[lt]": 102}, [101]),
        ({"created[lte]": 102}, [102, 101]),
        ({"created[gt]": 101, "created[lt]": 103}, [102]),
        ({"created[gte]": 253_402_300_799}, []),
        ({"created[gt]": 253_402_300_799}, []),
    ],
)
def test_a_list_is_bounded_by_time(caller: Caller, bounds: dict[str, int], seconds: list[int]) -> None:
    for second in (101, 102, 103):
        at_half = floor_uuid(datetime.fromtimestamp(second + 0.5, tz=UTC))
        Customer.objects.create(id=at_half, account_id=caller.account.id)
    shown = caller.get("/customers/", **bounds).json()["data"]
    assert [customer["created"] for customer in shown] == seconds


def test_customers_are_found_by_email(caller: Caller, five: list[str]) -> None:
    wanted = caller.customer(email="a@example.com")["id"]
    assert _ids(caller.get("/customers/", email="a@example.com")) == [wanted]


def test_intents_are_found_by_customer_and_can_show_it(caller: Caller) -> None:
    customer = caller.customer(name="Grace")
    intent = caller.intent(customer=customer["id"])
    caller.intent()
    response = caller.get("/payment_intents/", **{"customer": customer["id"], "expand[]": "data.customer"})
    assert _ids(response) == [intent["id"]]
    assert response.json()["data"][0]["customer"] == customer
    alone = caller.get(f"/payment_intents/{intent['id']}", **{"expand[0]": "customer"})
    assert alone.json()["customer"]["name"] == "Grace"


def test_events_are_found_by_type_in_the_callers_dialect(caller: Caller) -> None:
    caller.customer()
    intent = caller.intent()
    shown = caller.get("/events/", type="payment_intent.created").json()["data"]
    assert [event["data"]["object"]["id"] for event in shown] == [intent["id"]]
    assert shown[0]["data"]["object"]["status"] == "created"
    assert shown[0]["api_version"] == "2026-11-22.plain"
    stripes = caller.get(f"/v1/events/{shown[0]['id']}").json()
    assert stripes["data"]["object"]["status"] == "requires_payment_method"


def test_an_event_names_the_request_behind_it(caller: Caller) -> None:
    made = caller.post("/customers/", {}, idempotency_key="k1")
    event = caller.get("/events/", type="customer.created").json()["data"][0]
    assert event["request"] == {"id": made["Request-Id"], "idempotency_key": "k1"}


def test_deliveries_are_found_by_state_endpoint_event_and_time(caller: Caller) -> None:
    delivery, other = caller.delivery(), caller.delivery()
    assert _ids(caller.get("/deliveries/")) == [other["id"], delivery["id"]]
    assert _ids(caller.get("/deliveries/", endpoint=delivery["endpoint"])) == [delivery["id"]]
    assert _ids(caller.get("/deliveries/", event=other["event"])) == [other["id"]]
    assert _ids(caller.get("/deliveries/", state="succeeded")) == []
    assert len(_ids(caller.get("/deliveries/", state="pending"))) == 2
    assert _ids(caller.get("/deliveries/", **{"created[gt]": int(time.time()) + 60})) == []
    assert len(_ids(caller.get("/deliveries/", **{"created[lte]": int(time.time()) + 60}))) == 2
    assert _ids(caller.get("/deliveries/", starting_after=other["id"])) == [delivery["id"]]
    assert caller.get("/deliveries/").json()["data"][0]["event_type"] == "endpoint.test"
