"""Objects of every kind, made through the API alone."""

from collections.abc import Callable, Mapping
from typing import Any

import requests

from tests.api.callers import HOOK, Caller
from tests.sdk.contract import is_there
from tests.sdk.server import Merchant

# Sends a POST and gives the answer, which is a success.
Post = Callable[[str, Mapping[str, Any]], dict[str, Any]]

CARD: dict[str, Any] = {"amount": 2000, "currency": "usd", "payment_method_types": ["card"]}

# What answers may be asked to expand; each kind of object knows some of them and refuses the others.
EXPANSIONS = (
    "customer",
    "payment_method",
    "payment_intent",
    "charge",
    "source",
    "balance_transaction",
    "latest_charge",
    "latest_charge.balance_transaction",
    "latest_charge.payment_intent.customer",
)


def posting_to(merchant: Merchant) -> Post:
    """Over the network."""

    def post(path: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {merchant.key}"}
        response = requests.post(merchant.url + path, json=fields, headers=headers, timeout=60)
        assert response.status_code == 200, response.text
        made: dict[str, Any] = response.json()
        return made

    return post


def posting_as(caller: Caller) -> Post:
    """Within this process."""

    def post(path: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        response = caller.post(path, fields)
        assert response.status_code == 200, response.content
        made: dict[str, Any] = response.json()
        return made

    return post


class Stock:
    """What a merchant has. Each method makes one more and gives it."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._customer: str | None = None

    @property
    def customer_id(self) -> str:
        """Of one customer, whom all that is made belongs to."""
        if self._customer is None:
            self._customer = str(self.customer()["id"])
        return self._customer

    def customer(self) -> dict[str, Any]:
        return self._post("/v1/customers", {"name": "Grace", "email": "grace@example.com"})

    def intent(self) -> dict[str, Any]:
        return self._post("/v1/payment_intents", {**CARD, "customer": self.customer_id})

    def paid_intent(self, **more: Any) -> dict[str, Any]:
        path = f"/v1/payment_intents/{self._post('/v1/payment_intents', self._order(more))['id']}/confirm"
        return self._post(path, {"payment_method": "pm_card_visa"})

    def charge(self) -> dict[str, Any]:
        return self.paid_intent()

    def balance_transaction(self) -> dict[str, Any]:
        return self.paid_intent()

    def refund(self) -> dict[str, Any]:
        return self._post("/v1/refunds", {"payment_intent": self.paid_intent()["id"], "amount": 500})

    def payment_method(self) -> dict[str, Any]:
        return self._post("/v1/payment_methods/pm_card_visa/attach", {"customer": self.customer_id})

    def setup_intent(self) -> dict[str, Any]:
        return self._post(
            "/v1/setup_intents", {"customer": self.customer_id, "payment_method_types": ["card"]}
        )

    def endpoint(self) -> dict[str, Any]:
        return self._post("/v1/webhook_endpoints", {"url": HOOK, "enabled_events": ["*"]})

    def event(self) -> dict[str, Any]:
        return self.customer()

    def delivery(self) -> dict[str, Any]:
        return self._post(f"/v1/webhook_endpoints/{self.endpoint()['id']}/test", {})

    def _order(self, more: Mapping[str, Any]) -> dict[str, Any]:
        return {**CARD, "customer": self.customer_id, **more}


MAKERS: dict[str, Callable[[Stock], dict[str, Any]]] = {
    "/v1/customers": Stock.customer,
    "/v1/customers/search": Stock.customer,
    "/v1/customers/{id}/payment_methods": Stock.payment_method,
    "/v1/payment_intents": Stock.intent,
    "/v1/payment_intents/search": Stock.intent,
    "/v1/payment_methods": Stock.payment_method,
    "/v1/setup_intents": Stock.setup_intent,
    "/v1/charges": Stock.charge,
    "/v1/charges/search": Stock.charge,
    "/v1/refunds": Stock.refund,
    "/v1/charges/{id}/refunds": Stock.refund,
    "/v1/balance_transactions": Stock.balance_transaction,
    "/v1/balance/history": Stock.balance_transaction,
    "/v1/events": Stock.event,
    "/v1/webhook_endpoints": Stock.endpoint,
    "/v1/deliveries": Stock.delivery,
}
"""By the path of a list, what makes it one longer."""

# Without these a list has nothing to list.
FILTERS = {
    "/v1/customers/search": {"query": "created>0"},
    "/v1/payment_intents/search": {"query": "created>0"},
}


def three_of_everything(merchant: Merchant) -> None:
    """Of every kind that can be listed, as far as the API has it."""
    stock = Stock(posting_to(merchant))
    for _ in range(3):
        stock.endpoint()
        stock.paid_intent()
        stock.customer()
        if is_there("refunds.create"):
            stock.refund()
        if is_there("setup_intents.create"):
            stock.setup_intent()
