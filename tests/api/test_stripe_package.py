"""The official `stripe` package against us, over a real socket."""

from typing import Any

import pytest
import stripe

from core.api_keys import create_api_key
from core.key_scopes import KeyKind
from core.settlement import lease_due_settlements, settle_payment
from tests.api.callers import HOOK, Caller

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(live_server: Any, bank: dict[str, Any]) -> str:
    url: str = live_server.url
    return url


@pytest.fixture
def sdk(server: str, caller: Caller) -> stripe.StripeClient:
    return _client(server, caller.key or "")


def _client(server: str, key: str) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        base_addresses={"api": server},
        http_client=stripe.RequestsClient(),
        max_network_retries=0,
    )


def test_a_customer_is_created_retrieved_and_listed(sdk: stripe.StripeClient) -> None:
    made = sdk.v1.customers.create({"name": "Grace", "email": "grace@example.com", "metadata": {"tier": "1"}})
    found = sdk.v1.customers.retrieve(made.id)
    assert (found.name, found.email) == ("Grace", "grace@example.com")
    assert found.metadata is not None
    assert found.metadata["tier"] == "1"
    listed = sdk.v1.customers.list({"limit": 1, "created": {"gte": made.created}})
    assert [customer.id for customer in listed.data] == [made.id]


def test_a_list_pages_by_itself(sdk: stripe.StripeClient) -> None:
    made = [sdk.v1.customers.create({"name": str(number)}).id for number in range(5)]
    listed = sdk.v1.customers.list({"limit": 2})
    assert [customer.id for customer in listed.auto_paging_iter()] == made[::-1]


def test_a_card_payment_succeeds_within_the_call(sdk: stripe.StripeClient) -> None:
    customer = sdk.v1.customers.create({})
    intent = sdk.v1.payment_intents.create(
        {
            "amount": 2000,
            "currency": "usd",
            "customer": customer.id,
            "automatic_payment_methods": {"enabled": True},
            "expand": ["customer"],
        }
    )
    assert intent.status == "requires_payment_method"
    assert isinstance(intent.customer, stripe.Customer)
    confirmed = sdk.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert (confirmed.status, confirmed.amount_received) == ("succeeded", 2000)
    assert sdk.v1.payment_intents.retrieve(intent.id).status == "succeeded"
    assert [listed.id for listed in sdk.v1.payment_intents.list({"customer": customer.id}).data] == [
        intent.id
    ]
    types = [event.type for event in sdk.v1.events.list().data]
    assert types == ["payment_intent.succeeded", "payment_intent.created", "customer.created"]


def test_a_bank_debit_succeeds_later(sdk: stripe.StripeClient) -> None:
    intent = sdk.v1.payment_intents.create(
        {"amount": 2000, "currency": "usd", "payment_method": "pm_usBankAccount_success"}
    )
    assert sdk.v1.payment_intents.confirm(intent.id).status == "processing"
    for due in lease_due_settlements(limit=10):
        settle_payment(due)
    assert sdk.v1.payment_intents.retrieve(intent.id).status == "succeeded"


def test_a_declined_card_is_a_card_error(sdk: stripe.StripeClient) -> None:
    intent = sdk.v1.payment_intents.create({"amount": 2000, "currency": "usd"})
    with pytest.raises(stripe.CardError) as caught:
        sdk.v1.payment_intents.confirm(
            intent.id, {"payment_method": "pm_card_chargeDeclinedInsufficientFunds"}
        )
    assert (caught.value.code, caught.value.http_status) == ("card_declined", 402)
    assert caught.value.error is not None
    assert caught.value.error.decline_code == "insufficient_funds"
    assert caught.value.error.payment_intent is not None
    assert caught.value.error.payment_intent.status == "requires_payment_method"


def test_a_canceled_intent_stays_canceled(sdk: stripe.StripeClient) -> None:
    intent = sdk.v1.payment_intents.create({"amount": 2000, "currency": "usd"})
    assert sdk.v1.payment_intents.cancel(intent.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert caught.value.code == "payment_intent_unexpected_state"


def test_an_endpoint_is_made_updated_and_deleted(sdk: stripe.StripeClient) -> None:
    made = sdk.v1.webhook_endpoints.create({"url": HOOK, "enabled_events": ["payment_intent.payment_failed"]})
    assert made.secret is not None
    assert made.api_version == "2026-10-28.endive"
    disabled = sdk.v1.webhook_endpoints.update(made.id, {"disabled": True, "enabled_events": ["*"]})
    assert (disabled.status, disabled.enabled_events) == ("disabled", ["*"])
    assert [endpoint.id for endpoint in sdk.v1.webhook_endpoints.list().data] == [made.id]
    assert sdk.v1.webhook_endpoints.delete(made.id).deleted is True
    assert sdk.v1.webhook_endpoints.list().data == []


def test_an_idempotency_key_gives_the_same_object(sdk: stripe.StripeClient) -> None:
    first = sdk.v1.customers.create({"name": "A"}, {"idempotency_key": "k"})
    assert sdk.v1.customers.create({"name": "A"}, {"idempotency_key": "k"}).id == first.id
    with pytest.raises(stripe.IdempotencyError):
        sdk.v1.customers.create({"name": "B"}, {"idempotency_key": "k"})


def test_a_customer_is_updated_searched_and_deleted(sdk: stripe.StripeClient) -> None:
    made = sdk.v1.customers.create({"name": "Grace", "description": "first", "metadata": {"tier": "gold"}})
    changed = sdk.v1.customers.update(made.id, {"name": "Ada", "description": "", "metadata": {"tier": ""}})
    assert (changed.name, changed.description, changed.to_dict()["metadata"]) == ("Ada", None, {})
    event = sdk.v1.events.list({"type": "customer.updated"}).data[0]
    assert event.to_dict()["data"]["previous_attributes"] == {
        "name": "Grace",
        "description": "first",
        "metadata": {"tier": "gold"},
    }
    found = sdk.v1.customers.search({"query": "name:'ada'"})
    assert [one.id for one in found.data] == [made.id]
    assert sdk.v1.customers.delete(made.id).deleted is True
    assert sdk.v1.customers.retrieve(made.id).deleted is True
    assert sdk.v1.customers.search({"query": "name:'ada'"}).data == []


def test_a_search_pages_by_itself(sdk: stripe.StripeClient) -> None:
    made = [sdk.v1.payment_intents.create({"amount": 2000, "currency": "usd"}).id for _ in range(5)]
    found = sdk.v1.payment_intents.search({"query": "amount>1000 AND currency:'usd'", "limit": 2})
    assert [one.id for one in found.auto_paging_iter()] == made[::-1]


def test_an_intent_is_updated(sdk: stripe.StripeClient) -> None:
    intent = sdk.v1.payment_intents.create({"amount": 2000, "currency": "usd"})
    changed = sdk.v1.payment_intents.update(intent.id, {"amount": 3000, "metadata": {"order": "7"}})
    assert (changed.amount, changed.to_dict()["metadata"]) == (3000, {"order": "7"})


def test_the_package_can_ask_for_an_older_version(sdk: stripe.StripeClient) -> None:
    made = sdk.v1.customers.create({"name": "A"})
    old = sdk.v1.customers.retrieve(made.id, options={"stripe_version": "2019-10-08"})
    assert old["account_balance"] == 0


def test_keys_that_may_not_and_too_many_requests_have_error_classes(
    server: str, caller: Caller, settings: Any
) -> None:
    restricted = create_api_key(
        account=caller.account, name="rk", kind=KeyKind.RESTRICTED, scopes={"events": "read"}
    )
    with pytest.raises(stripe.PermissionError):
        _client(server, restricted).v1.customers.list()
    settings.API_RATE_LIMIT = 0.001
    sdk = _client(server, caller.key or "")
    sdk.v1.customers.list()
    with pytest.raises(stripe.RateLimitError) as limited:
        sdk.v1.customers.list()
    assert limited.value.error is not None
    assert limited.value.error.code == "rate_limit"


def test_a_publishable_key_confirms_with_the_client_secret(
    server: str, sdk: stripe.StripeClient, caller: Caller
) -> None:
    intent = sdk.v1.payment_intents.create({"amount": 2000, "currency": "usd"})
    public = _client(server, create_api_key(account=caller.account, name="pk", kind=KeyKind.PUBLISHABLE))
    assert intent.client_secret is not None
    shown = public.v1.payment_intents.retrieve(intent.id, {"client_secret": intent.client_secret})
    assert shown.amount == 2000


def test_refusals_are_the_packages_error_classes(server: str, sdk: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as missing:
        sdk.v1.customers.retrieve("cus_nobody")
    assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")
    assert missing.value.request_id is not None
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        sdk.v1.customers.create({"colour": "red"})  # type: ignore[arg-type]
    assert (unknown.value.code, unknown.value.param) == ("parameter_unknown", "colour")
    with pytest.raises(stripe.AuthenticationError):
        _client(server, "sk_test_" + "0" * 65).v1.customers.list()
