"""Answers of ours, of every kind and in every state that can be had, to be held against the SDKs' types."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from core.settlement import lease_due_settlements, settle_payment
from tests.api.callers import Caller
from tests.sdk.contract import is_there
from tests.sdk.scenes import CARD, Stock, posting_as
from tests.sdk.shapes import OBJECTS

_LISTS = (
    "customers", "payment_intents", "payment_methods", "setup_intents", "charges", "refunds",
    "balance_transactions", "events", "webhook_endpoints",
)  # fmt: skip


def live_objects(caller: Caller) -> dict[str, list[dict[str, Any]]]:
    """By kind, what the API shows of everything that it was asked to do. The bank must answer at once."""
    _do_everything(caller)
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for resource in _LISTS:
        if is_there(f"{resource}.list"):
            for shown in _all(caller, resource):
                _note(shown, found)
                _note(caller.get(f"/v1/{resource}/{shown['id']}").json(), found)
                if shown["object"] == "event":
                    _note(shown["data"]["object"], found)
    for name, path in (("balance.retrieve", "/v1/balance"), ("accounts.retrieve_current", "/v1/account")):
        if is_there(name):
            _note(caller.get(path).json(), found)
    return found


def _do_everything(caller: Caller) -> None:
    post = posting_as(caller)
    stock = Stock(post)
    stock.endpoint()
    stock.paid_intent()
    canceled = stock.intent()
    post(f"/v1/payment_intents/{canceled['id']}/cancel", {"cancellation_reason": "abandoned"})
    declined = stock.intent()
    refused = caller.post(
        f"/v1/payment_intents/{declined['id']}/confirm", {"payment_method": "pm_card_chargeDeclined"}
    )
    assert refused.status_code == 402
    for method in ("pm_usBankAccount_success", "pm_usBankAccount_noAccount", "pm_usBankAccount_processing"):
        order = {"amount": 2000, "currency": "usd", "payment_method_types": ["us_bank_account"]}
        debit = post("/v1/payment_intents", order)
        post(f"/v1/payment_intents/{debit['id']}/confirm", {"payment_method": method})
        for due in lease_due_settlements(limit=10):
            settle_payment(due)
    if is_there("customers.update"):
        post(f"/v1/customers/{stock.customer_id}", {"name": "Grace Hopper"})
    if is_there("charges.list"):
        held = stock.paid_intent(capture_method="manual")
        post(f"/v1/payment_intents/{held['id']}/capture", {"amount_to_capture": 1500})
        stock.paid_intent(capture_method="manual")
        authenticated = {"payment_method": "pm_card_authenticationRequired", "confirm": True}
        post("/v1/payment_intents", {**CARD, **authenticated, "return_url": "https://shop.example/"})
    if is_there("refunds.create"):
        stock.refund()
    if is_there("setup_intents.create"):
        kept = stock.setup_intent()
        post(f"/v1/setup_intents/{kept['id']}/confirm", {"payment_method": "pm_card_visa"})
        stock.setup_intent()
    if is_there("payment_methods.attach"):
        stock.payment_method()


def _all(caller: Caller, resource: str) -> list[dict[str, Any]]:
    query: dict[str, Any] = {"limit": 100}
    response = caller.get(f"/v1/{resource}", **query)
    assert response.status_code == 200, response.content
    data: list[dict[str, Any]] = response.json()["data"]
    return data


def _note(shown: Mapping[str, Any], found: dict[str, list[dict[str, Any]]]) -> None:
    if shown.get("object") in OBJECTS and not shown.get("deleted"):
        found[shown["object"]].append(dict(shown))
