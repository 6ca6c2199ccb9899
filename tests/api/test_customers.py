"""Customers through the API: changed, unset, deleted."""

from typing import Any

import pytest

from core.models import Customer
from tests.api.callers import Caller, error_of


def test_an_update_changes_what_it_names_and_unsets_what_is_empty(caller: Caller) -> None:
    made = caller.customer(
        name="Grace",
        email="grace@example.com",
        description="first",
        shipping={"name": "G", "address": {"line1": "1"}},
        metadata={"a": "1", "b": "2"},
    )
    path = f"/v1/customers/{made['id']}"
    changed = caller.form(path, "name=Ada&description=&metadata[a]=&metadata[c]=3&shipping=").json()
    assert {name: changed[name] for name in ("name", "email", "description", "shipping", "metadata")} == {
        "name": "Ada",
        "email": "grace@example.com",
        "description": None,
        "shipping": None,
        "metadata": {"b": "2", "c": "3"},
    }
    assert caller.get(path).json() == changed
    assert caller.form(path, "metadata=").json()["metadata"] == {}
    assert caller.post(path, {}).json()["name"] == "Ada"


def test_the_event_of_an_update_tells_what_was(caller: Caller) -> None:
    made = caller.customer(name="Grace", metadata={"a": "1"})
    caller.post(f"/customers/{made['id']}/", {"name": "Ada", "metadata": {"b": "2"}})
    event = caller.get("/v1/events", type="customer.updated").json()["data"][0]
    assert event["data"]["previous_attributes"] == {"name": "Grace", "metadata": {"b": None}}
    assert event["data"]["object"]["name"] == "Ada"
    created = caller.get("/v1/events", type="customer.created").json()["data"][0]
    assert "previous_attributes" not in created["data"]


def test_an_update_under_a_key_happens_once(caller: Caller) -> None:
    path = f"/v1/customers/{caller.customer()['id']}"
    first = caller.post(path, {"name": "A"}, idempotency_key="k")
    caller.post(path, {"name": "B"})
    again = caller.post(path, {"name": "A"}, idempotency_key="k")
    assert (again.content, again["Idempotent-Replayed"]) == (first.content, "true")
    assert Customer.objects.get().name == "B"


def test_metadata_cannot_grow_past_its_limit_by_updates(caller: Caller) -> None:
    made = caller.customer(metadata={str(number): "v" for number in range(50)})
    refused = caller.post(f"/customers/{made['id']}/", {"metadata": {"one": "more"}}, idempotency_key="k")
    assert error_of(refused) == (400, "metadata_too_large", "metadata")
    assert (
        caller.post(f"/customers/{made['id']}/", {"metadata": {"0": ""}}, idempotency_key="k").status_code
        == 200
    )


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"email": "nobody"}, (400, "email_invalid", "email")),
        ({"colour": "red"}, (400, "parameter_unknown", "colour")),
        ({"name": 7}, (400, "parameter_invalid_string", "name")),
        ({"expand": ["friends"]}, (400, "parameter_invalid_expand", "expand[0]")),
    ],
)
def test_an_update_that_cannot_be_made_changes_nothing(
    caller: Caller, body: dict[str, Any], refusal: tuple[int, str, str]
) -> None:
    made = caller.customer(name="Grace")
    assert error_of(caller.post(f"/customers/{made['id']}/", {"description": "x", **body})) == refusal
    assert caller.get(f"/customers/{made['id']}/").json() == made


def test_a_deleted_customer_is_told_to_be(caller: Caller) -> None:
    made, kept = caller.customer(name="Grace"), caller.customer()
    intent = caller.intent(customer=made["id"])
    deleted = {"id": made["id"], "object": "customer", "deleted": True}
    path = f"/v1/customers/{made['id']}"
    assert caller.send("DELETE", path).json() == deleted
    assert caller.get(path).json() == deleted
    assert [one["id"] for one in caller.get("/v1/customers").json()["data"]] == [kept["id"]]
    assert caller.get("/v1/customers/search", query='name:"Grace"').json()["data"] == []
    assert error_of(caller.send("DELETE", path)) == (404, "resource_missing", "id")
    assert error_of(caller.post(path, {"name": "A"})) == (404, "resource_missing", "id")
    shown = caller.get(f"/v1/payment_intents/{intent['id']}", **{"expand[]": "customer"}).json()
    assert shown["customer"] == deleted
    fields = {"amount": 2000, "currency": "usd", "customer": made["id"]}
    assert error_of(caller.post("/v1/payment_intents", fields)) == (404, "resource_missing", "customer")


def test_who_pages_from_a_customer_that_was_deleted_meanwhile_goes_on(caller: Caller) -> None:
    oldest, middle, newest = (caller.customer()["id"] for _ in range(3))
    caller.send("DELETE", f"/v1/customers/{middle}")
    after = caller.get("/v1/customers", starting_after=middle).json()
    assert [one["id"] for one in after["data"]] == [oldest]
    before = caller.get("/v1/customers", ending_before=middle).json()
    assert [one["id"] for one in before["data"]] == [newest]


def test_an_intent_is_updated_within_its_status(caller: Caller) -> None:
    intent = caller.intent()
    path = f"/v1/payment_intents/{intent['id']}"
    changed = caller.form(path, "amount=3000&metadata[order]=7&receipt_email=a%40example.com").json()
    assert (changed["amount"], changed["metadata"], changed["receipt_email"]) == (
        3000,
        {"order": "7"},
        "a@example.com",
    )
    assert caller.form(path, "receipt_email=&metadata[order]=").json()["metadata"] == {}
    caller.post(f"{path}/cancel", {})
    refused = caller.form(path, "amount=4000")
    assert error_of(refused) == (400, "payment_intent_unexpected_state", "amount")
    assert refused.json()["error"]["payment_intent"]["amount"] == 3000
    assert caller.form(path, "description=late").json()["description"] == "late"
    assert error_of(caller.form(path, "amount=")) == (400, "parameter_invalid_empty", "amount")
    assert error_of(caller.form(path, "status=succeeded")) == (400, "parameter_unknown", "status")
