"""The catalogue is held to events that really happened: each type, in each version."""

import json
from datetime import timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from api.event_catalogue import catalogue, entry
from api.json_schemas import Schema
from core.settler import Settler
from core.stop_signal import StopSignal
from core.versions import EVENT_TYPES, PLAIN, STRIPE, VERSIONS, render_event, shown_event_type
from dispatcher.disabling import disable_endpoints
from outbox.identifiers import decode_id
from outbox.models import Event
from tests.api.callers import Caller, error_of
from tests.dispatcher.scenes import query

DISABLE_AFTER = timedelta(days=5)


def _faults(body: Any, schema: Schema) -> list[str]:
    found = [error.message for error in Draft202012Validator(schema).iter_errors(body)]
    # A schema allows members that are added in time; of today's it has them all.
    known = schema["properties"]["data"]["properties"]["object"]["properties"]
    return found + [f"{name} is not in the schema" for name in body["data"]["object"].keys() - known.keys()]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_example_fits_its_schema(version: str) -> None:
    names = [name for name, _ in catalogue(version)]
    assert len(names) == len(EVENT_TYPES)
    for name in names:
        found = entry(name, version)
        assert _faults(found.example, found.schema) == [], name
        assert (found.example["type"], found.example["api_version"]) == (name, version)


def test_schemas_are_schemas() -> None:
    for name in ("customer.updated", "charge.failed", "endpoint.disabled"):
        Draft202012Validator.check_schema(entry(name, "2026-10-28.endive").schema)


def test_examples_are_the_same_each_time() -> None:
    before = {name: json.dumps(entry(name, "2026-10-28.endive").example) for name in EVENT_TYPES}
    entry.cache_clear()
    assert {name: json.dumps(entry(name, "2026-10-28.endive").example) for name in EVENT_TYPES} == before


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: body.pop("id"),
        lambda body: body["data"].pop("previous_attributes"),
        lambda body: body["data"]["object"].update(email=7),
        lambda body: body["data"]["object"].update(surprise=1),
        lambda body: body.update(type="customer.created"),
    ],
)
def test_a_body_that_is_not_as_it_says_is_found(spoil: Any) -> None:
    found = entry("customer.updated", "2026-10-28.endive")
    body = json.loads(json.dumps(found.example))
    spoil(body)
    assert _faults(body, found.schema) != []


@pytest.mark.django_db(transaction=True)
def test_every_event_that_happens_fits_the_schema_of_its_type(caller: Caller, bank: dict[str, Any]) -> None:
    _everything_happens(caller)
    events = list(Event.objects.order_by("id"))
    assert {event.type for event in events} == EVENT_TYPES.keys()
    for event in events:
        for version in VERSIONS:
            found = entry(shown_event_type(event.type, version), version)
            body = json.loads(render_event(event.facts, version))
            assert _faults(body, found.schema) == [], (event.type, version)
            # An example has the very members of what happens, in their order.
            assert list(body) == list(found.example), event.type
            same_kind = body["data"]["object"].get("type") == found.example["data"]["object"].get("type")
            if same_kind:
                shown = found.example["data"]["object"]
                assert list(body["data"]["object"]) == list(shown), (event.type, version)


def _everything_happens(caller: Caller) -> None:
    """At least one event of each type."""

    def paid(method: str, **fields: Any) -> Any:
        return caller.post(
            "/payment_intents/",
            {"amount": 2000, "currency": "usd", "payment_method": method, "confirm": True, **fields},
        ).json()

    customer = caller.customer(name="Ada")["id"]
    caller.post(f"/customers/{customer}/", {"name": "Eve"})
    saved = caller.post("/payment_methods/pm_card_visa/attach/", {"customer": customer}).json()["id"]
    caller.post(f"/payment_methods/{saved}/", {"metadata": {"a": "b"}})
    caller.post(f"/payment_methods/{saved}/detach/", {})
    charge = paid("pm_card_visa")["latest_charge"]
    caller.post(f"/charges/{charge}/", {"description": "Till"})
    caller.post("/refunds/", {"charge": charge, "amount": 500})
    paid("pm_card_chargeDeclined")
    paid("pm_usBankAccount_success")
    challenged = paid("pm_card_authenticationRequired")["id"]
    caller.post(f"/payment_intents/{challenged}/cancel/", {"cancellation_reason": "abandoned"})
    held = paid("pm_card_visa", capture_method="manual")["id"]
    caller.post(f"/payment_intents/{held}/capture/", {})
    for method in ("pm_card_pendingRefund", "pm_card_refundFail"):
        caller.post("/refunds/", {"charge": paid(method)["latest_charge"]})
    for method in ("pm_card_visa", "pm_card_chargeDeclined", "pm_card_authenticationRequired"):
        setup = caller.post("/setup_intents/", {"payment_method": method, "confirm": True}).json()
        if "id" in setup:
            caller.post(f"/setup_intents/{setup['id']}/cancel/", {})
    caller.send("DELETE", f"/customers/{customer}/")
    query("UPDATE core_payment_intent SET settle_at = now() WHERE settle_at IS NOT NULL")
    query("UPDATE core_refund SET settle_at = now() WHERE settle_at IS NOT NULL")
    Settler(stop=StopSignal(), batch=10, poll_interval=0.01).drain()
    endpoint = caller.delivery()["endpoint"]
    ids = [decode_id("we", endpoint)]
    for percent in (60, 101):
        query("UPDATE dispatcher_lane SET failing_since = now() - %s", DISABLE_AFTER * percent / 100)
        disable_endpoints(failing=ids)


@pytest.mark.parametrize("path", ["/event_types/", "/v1/event_types"])
def test_the_api_lists_the_catalogue_and_shows_one_of_it_whole(caller: Caller, path: str) -> None:
    listed = caller.get(path).json()
    assert [one["type"] for one in listed["data"]] == [name for name, _ in catalogue(_version(path))]
    assert not any("schema" in one for one in listed["data"])
    name = shown_event_type("payment_intent.payment_failed", _version(path))
    (one,) = caller.get(path, type=name).json()["data"]
    assert one["description"] == "The bank refused the payment."
    assert _faults(one["example"], one["schema"]) == []
    refused = caller.get(path, type="payment_intent.exploded")
    assert error_of(refused) == (400, "event_type_unknown", "type")


def _version(path: str) -> str:
    return STRIPE if path.startswith("/v1") else PLAIN
