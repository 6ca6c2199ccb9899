"""stripe-python: what the package does by itself: it pages, and it sends again what was not answered."""

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from tests.sdk.proxies import LosingProxy
from tests.sdk.scenes import three_of_everything
from tests.sdk.server import Merchant, Server

verifies = pytest.mark.verifies


@pytest.fixture
def five(sdk: stripe.StripeClient) -> list[str]:
    """Ids of customers, newest first."""
    return [sdk.v1.customers.create({"name": str(number)}).id for number in range(5)][::-1]


@verifies("pages forward", "customers.list")
def test_a_list_pages_forward_by_itself(sdk: stripe.StripeClient, five: list[str]) -> None:
    assert [one.id for one in sdk.v1.customers.list({"limit": 2}).auto_paging_iter()] == five


@verifies("pages backward", "customers.list")
def test_a_list_pages_backward_by_itself(sdk: stripe.StripeClient, five: list[str]) -> None:
    """From the oldest to the newest: the package turns each page around."""
    listed = sdk.v1.customers.list({"limit": 2, "ending_before": five[-1]})
    assert [one.id for one in listed.data] == five[2:4]
    assert [one.id for one in listed.auto_paging_iter()] == five[3::-1]


@verifies("pages forward")
@pytest.mark.parametrize(
    "list_of",
    [
        pytest.param(lambda sdk, **page: sdk.v1.customers.list(page), id="customers"),
        pytest.param(lambda sdk, **page: sdk.v1.payment_intents.list(page), id="payment intents"),
        pytest.param(lambda sdk, **page: sdk.v1.events.list(page), id="events"),
        pytest.param(lambda sdk, **page: sdk.v1.webhook_endpoints.list(page), id="webhook endpoints"),
        pytest.param(
            lambda sdk, **page: sdk.v1.charges.list(page),
            id="charges",
            marks=verifies("charges.list", "pages forward"),
        ),
        pytest.param(
            lambda sdk, **page: sdk.v1.refunds.list(page),
            id="refunds",
            marks=verifies("refunds.list", "pages forward"),
        ),
        pytest.param(
            lambda sdk, **page: sdk.v1.balance_transactions.list(page),
            id="balance transactions",
            marks=verifies("balance_transactions.list", "pages forward"),
        ),
        pytest.param(
            lambda sdk, **page: sdk.v1.setup_intents.list(page),
            id="setup intents",
            marks=verifies("setup_intents.list", "pages forward"),
        ),
    ],
)
def test_page_after_page_is_the_whole_list(
    sdk: stripe.StripeClient, merchant: Merchant, list_of: Callable[..., Any]
) -> None:
    three_of_everything(merchant)
    whole = [one.id for one in list_of(sdk, limit=100).data]
    assert len(whole) >= 3
    assert [one.id for one in list_of(sdk, limit=1).auto_paging_iter()] == whole


@verifies("retry after a lost answer", "customers.create")
def test_a_lost_answer_is_asked_for_again_and_makes_one_object(server: Server, merchant: Merchant) -> None:
    with LosingProxy(server.port) as proxy:
        made = merchant.client(url=proxy.url, retries=2).v1.customers.create({"name": "Grace"})
        keys = proxy.keys("POST", "/v1/customers")
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert made.last_response is not None
    assert made.last_response.headers["Idempotent-Replayed"] == "true"
    assert [one.id for one in merchant.client().v1.customers.list().data] == [made.id]


@verifies("retry after a lost answer", "payment_intents.confirm", "payment_intents.create")
def test_a_payment_whose_answers_are_lost_is_taken_once(server: Server, merchant: Merchant) -> None:
    with LosingProxy(server.port) as proxy:
        flaky = merchant.client(url=proxy.url, retries=2)
        intent = flaky.v1.payment_intents.create({"amount": 2000, "currency": "usd"})
        paid = flaky.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
        assert len(proxy.keys("POST", f"/v1/payment_intents/{intent.id}/confirm")) == 2
    assert (paid.status, paid.amount_received) == ("succeeded", 2000)
    sdk = merchant.client()
    assert [one.id for one in sdk.v1.payment_intents.list().data] == [intent.id]
    assert len(sdk.v1.events.list({"type": "payment_intent.succeeded"}).data) == 1


@verifies("retry after a lost answer")
def test_without_retries_a_lost_answer_is_a_connection_error(server: Server, merchant: Merchant) -> None:
    """The proxy does lose them: what the tests above rely on."""
    with LosingProxy(server.port) as proxy, pytest.raises(stripe.APIConnectionError):
        merchant.client(url=proxy.url).v1.customers.create({})
    assert len(merchant.client().v1.customers.list().data) == 1
