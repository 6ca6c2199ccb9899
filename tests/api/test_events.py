"""Events, listed by what they tell and by how their deliveries went."""

from typing import Any

import pytest
from django.utils import timezone

from dispatcher.models import FinishedDelivery
from outbox.identifiers import decode_id, new_uuid
from tests.api.callers import Caller, error_of


def _types(caller: Caller, path: str = "/v1/events", **query: Any) -> list[str]:
    response = caller.get(path, **query)
    assert response.status_code == 200, response.content
    return [event["type"] for event in response.json()["data"]]


@pytest.fixture
def told(caller: Caller) -> None:
    customer = caller.customer()["id"]
    caller.post(f"/customers/{customer}", {"name": "A"})
    intent = caller.intent()["id"]
    caller.post(f"/payment_intents/{intent}/cancel/", {})
    caller.send("DELETE", f"/customers/{customer}")


@pytest.mark.parametrize(
    ("query", "types"),
    [
        ({"type": "customer.updated"}, ["customer.updated"]),
        ({"type": "customer.*"}, ["customer.deleted", "customer.updated", "customer.created"]),
        (
            {"type": "*"},
            [
                "customer.deleted",
                "payment_intent.canceled",
                "payment_intent.created",
                "customer.updated",
                "customer.created",
            ],
        ),
        ({"type": "nothing.*"}, []),
        (
            {"types[0]": "customer.created", "types[1]": "payment_intent.canceled"},
            ["payment_intent.canceled", "customer.created"],
        ),
        ({"types[]": "customer.deleted"}, ["customer.deleted"]),
        ({"created[lt]": 1}, []),
    ],
)
def test_events_are_found_by_their_types(
    caller: Caller, told: None, query: dict[str, Any], types: list[str]
) -> None:
    assert _types(caller, **query) == types


def test_a_group_is_of_the_names_of_the_dialect(caller: Caller, told: None) -> None:
    assert _types(caller, "/events/", type="payment_intent.*") == [
        "payment_intent.canceled",
        "payment_intent.created",
    ]


@pytest.mark.parametrize(
    ("query", "refusal"),
    [
        ({"type": "a.b"}, (400, "event_type_unknown", "type")),
        ({"types[0]": "customer.created", "types[1]": "a.b"}, (400, "event_type_unknown", "types[1]")),
        ({"types[0]": "customer.*"}, (400, "event_type_unknown", "types[0]")),
        ({"type": "customer.created", "types[]": "customer.deleted"}, (400, "parameters_exclusive", "types")),
        ({"delivery_success": "perhaps"}, (400, "parameter_invalid_boolean", "delivery_success")),
        (
            {f"types[{number}]": "customer.created" for number in range(21)},
            (400, "parameter_too_long", "types"),
        ),
    ],
)
def test_a_filter_that_fits_nothing_is_refused(
    caller: Caller, query: dict[str, Any], refusal: tuple[int, str, str]
) -> None:
    assert error_of(caller.get("/v1/events", **query)) == refusal


def test_events_are_found_by_how_their_deliveries_went(caller: Caller) -> None:
    endpoint = decode_id("we", caller.endpoint()["id"])
    caller.customer()
    pending = caller.delivery()["event"]
    (undelivered,) = (
        event["id"] for event in caller.get("/v1/events", type="customer.created").json()["data"]
    )
    events = {}
    for state in ("succeeded", "dead_lettered"):
        caller.customer()
        newest = caller.get("/v1/events", limit=1).json()["data"][0]["id"]
        events[state] = newest
        FinishedDelivery.objects.create(
            id=new_uuid(),
            owner=caller.account.public_id,
            endpoint_id=endpoint,
            event_id=decode_id("evt", newest),
            state=state,
            attempts=1,
            resend_no=0,
            finished_at=timezone.now(),
        )

    def found(success: str) -> set[str]:
        return {event["id"] for event in caller.get("/v1/events", delivery_success=success).json()["data"]}

    assert found("true") == {undelivered, events["succeeded"]}
    assert found("false") == {pending, events["dead_lettered"]}
