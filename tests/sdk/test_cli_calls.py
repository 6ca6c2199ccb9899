"""The official Stripe CLI: its resource commands, and get, post and delete. (Its other parts: tests/cli/.)"""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.api.callers import HOOK
from tests.cli import official
from tests.sdk.server import Merchant
from tests.sdk.stripe_cli import StripeCli

pytestmark = official.needs_stripe_cli
verifies = pytest.mark.verifies
ORDER = {"amount": "2000", "currency": "usd", "payment_method_types[]": "card"}
PAID = {**ORDER, "confirm": "true", "payment_method": "pm_card_visa"}


@pytest.fixture
def stripe(merchant: Merchant, tmp_path: Path) -> StripeCli:
    port = urlsplit(merchant.url).port
    assert port is not None
    return StripeCli(official.StripeCli(api_port=port, api_key=merchant.key, home=tmp_path))


@verifies("customers.create", "customers.retrieve", "customers.list")
def test_customers_are_created_retrieved_and_listed(stripe: StripeCli) -> None:
    made = stripe("customers", "create", data={"name": "Grace", "metadata[tier]": "1"})
    assert (made["name"], made["metadata"]) == ("Grace", {"tier": "1"})
    assert stripe("customers", "retrieve", made["id"]) == made
    assert stripe("customers", "list", "--limit", "1")["data"] == [made]
    assert stripe.error("customers", "retrieve", "cus_nobody")["code"] == "resource_missing"


@verifies("customers.update", "customers.delete", "customers.search")
def test_customers_are_updated_searched_and_deleted(stripe: StripeCli) -> None:
    made = stripe("customers", "create", data={"name": "Grace"})
    assert stripe("customers", "update", made["id"], data={"name": "Hopper"})["name"] == "Hopper"
    assert stripe("customers", "search", "--query", 'name:"Hopper"')["data"][0]["id"] == made["id"]
    assert stripe("customers", "delete", made["id"], "--confirm")["deleted"] is True


@verifies(
    "payment_intents.create", "payment_intents.retrieve", "payment_intents.list", "payment_intents.confirm",
    "payment_intents.cancel",
)  # fmt: skip
def test_intents_are_created_confirmed_listed_and_canceled(stripe: StripeCli) -> None:
    made = stripe("payment_intents", "create", data=ORDER)
    confirmed = stripe("payment_intents", "confirm", made["id"], data={"payment_method": "pm_card_visa"})
    assert confirmed["status"] == "succeeded"
    assert stripe("payment_intents", "retrieve", made["id"]) == confirmed
    other = stripe("payment_intents", "create", data=ORDER)
    assert stripe("payment_intents", "cancel", other["id"])["status"] == "canceled"
    assert [one["id"] for one in stripe("payment_intents", "list")["data"]] == [other["id"], made["id"]]
    declined = stripe("payment_intents", "create", data=ORDER)
    refused = stripe.error(
        "payment_intents", "confirm", declined["id"], data={"payment_method": "pm_card_chargeDeclined"}
    )
    assert refused["code"] == "card_declined"


@verifies("payment_intents.update", "payment_intents.search", "payment_intents.capture")
def test_intents_are_updated_searched_and_captured(stripe: StripeCli) -> None:
    made = stripe("payment_intents", "create", data={**ORDER, "capture_method": "manual"})
    stripe("payment_intents", "update", made["id"], data={"metadata[order]": "2"})
    assert (
        stripe("payment_intents", "search", "--query", 'metadata["order"]:"2"')["data"][0]["id"] == made["id"]
    )
    stripe("payment_intents", "confirm", made["id"], data={"payment_method": "pm_card_visa"})
    captured = stripe("payment_intents", "capture", made["id"], data={"amount_to_capture": "1500"})
    assert captured["amount_received"] == 1500


@verifies("charges.retrieve", "charges.update", "charges.list", "balance.retrieve", "balance_transactions.list",
          "balance_transactions.retrieve")  # fmt: skip
def test_charges_and_the_balance_are_read(stripe: StripeCli) -> None:
    charge = stripe("payment_intents", "create", data=PAID)["latest_charge"]
    assert stripe("charges", "retrieve", charge)["amount"] == 2000
    assert stripe("charges", "update", charge, data={"metadata[order]": "7"})["metadata"] == {"order": "7"}
    assert [one["id"] for one in stripe("charges", "list")["data"]] == [charge]
    [transaction] = stripe("balance_transactions", "list")["data"]
    assert stripe("balance_transactions", "retrieve", transaction["id"]) == transaction
    assert stripe("balance", "retrieve")["object"] == "balance"


@verifies("refunds.create", "refunds.retrieve", "refunds.update", "refunds.list", "refunds.cancel")
def test_refunds_are_made_and_read(stripe: StripeCli) -> None:
    intent = stripe("payment_intents", "create", data=PAID)["id"]
    made = stripe("refunds", "create", data={"payment_intent": intent, "amount": "500"})
    assert made["amount"] == 500
    changed = stripe("refunds", "update", made["id"], data={"metadata[ticket]": "12"})
    assert stripe("refunds", "retrieve", made["id"]) == changed
    assert [one["id"] for one in stripe("refunds", "list")["data"]] == [made["id"]]
    assert stripe.error("refunds", "cancel", made["id"])["type"] == "invalid_request_error"


@verifies(
    "payment_methods.create", "payment_methods.retrieve", "payment_methods.update", "payment_methods.list",
    "payment_methods.attach", "payment_methods.detach", "customers.payment_methods.list",
    "customers.payment_methods.retrieve",
)  # fmt: skip
def test_payment_methods_are_made_attached_and_detached(stripe: StripeCli) -> None:
    customer = stripe("customers", "create")["id"]
    made = stripe("payment_methods", "create", data={"type": "card", "card[token]": "tok_visa"})["id"]
    assert stripe("payment_methods", "retrieve", made)["card"]["last4"] == "4242"
    stripe("payment_methods", "attach", made, data={"customer": customer})
    stripe("payment_methods", "update", made, data={"metadata[slot]": "1"})
    listed = stripe("payment_methods", "list", data={"customer": customer, "type": "card"})
    assert [one["id"] for one in listed["data"]] == [made]
    assert stripe("get", f"/v1/customers/{customer}/payment_methods")["data"][0]["id"] == made
    assert stripe("get", f"/v1/customers/{customer}/payment_methods/{made}")["id"] == made
    assert stripe("payment_methods", "retrieve", made)["metadata"] == {"slot": "1"}
    assert stripe("payment_methods", "detach", made)["customer"] is None


@verifies("setup_intents.create", "setup_intents.retrieve", "setup_intents.list", "setup_intents.confirm",
          "setup_intents.cancel")  # fmt: skip
def test_setup_intents_are_made_confirmed_and_canceled(stripe: StripeCli) -> None:
    cards = {"payment_method_types[]": "card"}
    made, other = (stripe("setup_intents", "create", data=cards)["id"] for _ in range(2))
    stripe("setup_intents", "confirm", made, data={"payment_method": "pm_card_visa"})
    assert stripe("setup_intents", "retrieve", made)["status"] == "succeeded"
    assert stripe("setup_intents", "cancel", other)["status"] == "canceled"
    assert [one["id"] for one in stripe("setup_intents", "list")["data"]] == [other, made]


@verifies("accounts.retrieve_current", "accounts.retrieve")
def test_an_account_reads_itself(stripe: StripeCli) -> None:
    own = stripe("get", "/v1/account")
    assert stripe("get", f"/v1/accounts/{own['id']}")["id"] == own["id"]


@verifies("events.retrieve", "events.list")
def test_events_are_read(stripe: StripeCli) -> None:
    stripe("post", "/v1/customers", data={"name": "Grace"})
    [event] = stripe("events", "list", data={"type": "customer.created"})["data"]
    assert stripe("events", "retrieve", event["id"]) == event


@verifies("events.resend")
def test_an_event_is_sent_again_to_one_endpoint(stripe: StripeCli) -> None:
    endpoint = stripe("webhook_endpoints", "create", data={"url": HOOK, "enabled_events[]": "*"})["id"]
    stripe("customers", "create", data={"name": "Grace"})
    [event] = stripe("events", "list", data={"type": "customer.created"})["data"]
    assert stripe("events", "resend", event["id"], "--webhook-endpoint", endpoint)["id"] == event["id"]
    [delivery] = stripe("get", f"/v1/deliveries?endpoint={endpoint}")["data"]
    assert (delivery["event"], delivery["manual"]) == (event["id"], True)


@verifies(
    "webhook_endpoints.create", "webhook_endpoints.retrieve", "webhook_endpoints.update",
    "webhook_endpoints.list", "webhook_endpoints.delete",
)  # fmt: skip
def test_endpoints_are_made_updated_and_deleted(stripe: StripeCli) -> None:
    made = stripe("webhook_endpoints", "create", data={"url": HOOK, "enabled_events[]": "customer.created"})
    assert made["secret"].startswith("whsec_")
    stripe("webhook_endpoints", "update", made["id"], data={"disabled": "true"})
    assert stripe("webhook_endpoints", "retrieve", made["id"])["status"] == "disabled"
    assert [one["id"] for one in stripe("webhook_endpoints", "list")["data"]] == [made["id"]]
    assert stripe("delete", f"/v1/webhook_endpoints/{made['id']}", "--confirm")["deleted"] is True
