"""stripe-python: events, and the endpoints they are sent to."""

from typing import Any

import pytest
import stripe

from core.versions import STRIPE
from tests.api.callers import HOOK
from tests.sdk.probes import TYPES_OF_EVENTS

verifies = pytest.mark.verifies
ENDPOINT: Any = {"url": HOOK, "enabled_events": ["payment_intent.payment_failed"]}


@verifies("events.retrieve", "events.list")
def test_an_event_is_retrieved_and_listed_by_type_and_time(sdk: Any) -> None:
    customer = sdk.v1.customers.create({"name": "Grace"})
    intent = sdk.v1.payment_intents.create({"amount": 2000, "currency": "usd"})
    [event] = sdk.v1.events.list({"type": "payment_intent.created"}).data
    assert event.data.object["id"] == intent.id
    assert sdk.v1.events.retrieve(event.id).to_dict() == event.to_dict()
    assert event.request is not None
    assert event.request.id == intent.last_response.request_id
    everything = sdk.v1.events.list({"created": {"gte": customer.created}})
    assert [one.type for one in everything.data] == ["payment_intent.created", "customer.created"]
    assert sdk.v1.events.list({"created": {"lt": customer.created}}).data == []


@verifies("events.list")
@pytest.mark.skipif(not TYPES_OF_EVENTS, reason="events have no list by `types` yet")
def test_events_are_listed_by_several_types(sdk: Any) -> None:
    sdk.v1.customers.create({})
    sdk.v1.payment_intents.create({"amount": 2000, "currency": "usd"})
    both = sdk.v1.events.list({"types": ["customer.created", "payment_intent.created"]})
    assert [one.type for one in both.data] == ["payment_intent.created", "customer.created"]
    one = sdk.v1.events.list({"types": ["customer.created", "payment_intent.canceled"]})
    assert [event.type for event in one.data] == ["customer.created"]


@verifies("events.list", "customers.update")
def test_an_update_tells_what_was_before(sdk: Any) -> None:
    made = sdk.v1.customers.create({"name": "Grace", "email": "g@example.com"})
    sdk.v1.customers.update(made.id, {"name": "Grace Hopper"})
    [event] = sdk.v1.events.list({"type": "customer.updated"}).data
    assert event.data.object["name"] == "Grace Hopper"
    assert event.data.previous_attributes is not None
    assert event.data.previous_attributes.to_dict() == {"name": "Grace"}


@verifies(
    "webhook_endpoints.create",
    "webhook_endpoints.retrieve",
    "webhook_endpoints.update",
    "webhook_endpoints.list",
    "webhook_endpoints.delete",
)
def test_an_endpoint_is_made_updated_and_deleted(sdk: Any) -> None:
    made = sdk.v1.webhook_endpoints.create({**ENDPOINT, "description": "Orders", "metadata": {"team": "1"}})
    assert made.secret is not None
    assert made.secret.startswith("whsec_")
    assert made.status == "enabled"
    found = sdk.v1.webhook_endpoints.retrieve(made.id)
    assert "secret" not in found.to_dict()
    assert found.enabled_events == ["payment_intent.payment_failed"]
    disabled = sdk.v1.webhook_endpoints.update(made.id, {"disabled": True, "enabled_events": ["*"]})
    assert (disabled.status, disabled.enabled_events, disabled.description) == ("disabled", ["*"], "Orders")
    assert [endpoint.id for endpoint in sdk.v1.webhook_endpoints.list().data] == [made.id]
    assert sdk.v1.webhook_endpoints.delete(made.id).deleted is True
    assert sdk.v1.webhook_endpoints.list().data == []
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.webhook_endpoints.retrieve(made.id)
    assert caught.value.http_status == 404


@verifies("webhook_endpoints.create")
def test_an_endpoint_of_the_packages_own_version_is_made(sdk: Any) -> None:
    """The version that the installed package is pinned to is the one it expects of its webhooks."""
    made = sdk.v1.webhook_endpoints.create(ENDPOINT)
    assert made.to_dict()["api_version"] in {STRIPE, stripe.api_version}


@verifies("webhook_endpoints.create", "InvalidRequestError")
def test_an_endpoint_for_events_that_nobody_knows_is_refused(sdk: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.webhook_endpoints.create({"url": HOOK, "enabled_events": ["customer.exploded"]})
    assert caught.value.param == "enabled_events[0]"
