"""docs/reference/event-payloads.md holds a real body of every event: what the flows of this test record, rendered.

Ids and moments differ from run to run and are left out. Where the page is stale, write it by
`WRITE_EVENT_PAYLOADS=yes .venv/bin/python -m pytest tests/docs/test_event_payloads.py`.
"""

import json
import os
import re
from datetime import timedelta
from typing import Any

import pytest

from core.accounts import create_account
from core.api_keys import create_api_key
from core.refunds import settle_next_refund
from core.settlement import lease_due_settlements, settle_payment
from core.versions import EVENT_TYPES, STRIPE, render_event
from dispatcher.deliveries import database_now
from dispatcher.disabling import disable_endpoints
from dispatcher.models import Endpoint, Lane
from outbox.models import Event
from tests.api.callers import HOOK, Caller
from tests.processes import ROOT

PAGE = ROOT / "docs" / "reference" / "event-payloads.md"
HEAD = """# Payloads of events

A body of each [event](events.md), in Stripe's dialect, as an endpoint made under `/v1/` gets it (the bytes are compact;
here they are spread out). They were recorded by the API and rendered by the dispatcher's own function; ids (`…`) and
moments (`1795000000`) are left out. `tests/docs/test_event_payloads.py` holds the page to the code.
"""
MOMENT = 1_795_000_000
IDS = re.compile(r"\b([a-z]{2,8})_(?:test_)?[0-9A-Za-z]{20,}(?:_secret_[0-9A-Za-z]+)?")


@pytest.fixture
def bank(settings: Any) -> None:
    settings.BANK = {"DELAY": timedelta(0), "SUCCESS_RATE": 1.0, "SEED": None}


class Merchant(Caller):
    """Calls whose answers it looks into; each must be a success unless it is said not to be."""

    def ask(self, path: str, *, status: int = 200, **body: Any) -> dict[str, Any]:
        response = self.post(f"/v1{path}", body)
        assert response.status_code == status, response.content
        answer: dict[str, Any] = response.json()
        return answer

    def pay(self, method: str, *, status: int = 200, **body: Any) -> dict[str, Any]:
        fields = {"amount": 2000, "currency": "usd", "payment_method": method, "confirm": True}
        paid = self.ask("/payment_intents", status=status, **{**fields, **body})
        settle()
        return paid


def settle() -> None:
    for due in lease_due_settlements(limit=10):
        settle_payment(due)
    while settle_next_refund() is not None:
        pass


def tell_everything(merchant: Merchant) -> None:
    """Each event of the catalogue at least once."""
    ada = merchant.ask("/customers", name="Ada Lovelace", email="ada@example.com", metadata={"tier": "gold"})[
        "id"
    ]
    merchant.ask(f"/customers/{ada}", phone="+15555550100")

    method = merchant.ask("/payment_methods", type="card", card={"token": "tok_visa"})["id"]
    merchant.ask(f"/payment_methods/{method}/attach", customer=ada)
    merchant.ask(f"/payment_methods/{method}", billing_details={"name": "Ada Lovelace"})

    paid = merchant.pay("pm_card_visa", customer=ada, description="Order 10484")
    charge = merchant.get(f"/v1/payment_intents/{paid['id']}").json()["latest_charge"]
    merchant.ask(f"/charges/{charge}", description="Order 10484, gift card")
    merchant.ask("/refunds", charge=charge, amount=500, reason="requested_by_customer")
    merchant.pay("pm_usBankAccount_success")
    merchant.pay("pm_card_chargeDeclined", status=402)
    merchant.pay("pm_card_authenticationRequired")
    held = merchant.pay("pm_card_visa", capture_method="manual")["id"]
    merchant.ask(f"/payment_intents/{held}/capture")
    unpaid = merchant.ask("/payment_intents", amount=900, currency="eur")["id"]
    merchant.ask(f"/payment_intents/{unpaid}/cancel", cancellation_reason="abandoned")
    for behaviour in ("pm_card_pendingRefund", "pm_card_refundFail"):
        given_back = merchant.pay(behaviour)["id"]
        merchant.ask("/refunds", payment_intent=given_back)
        settle()

    merchant.ask("/setup_intents", payment_method="pm_card_visa", confirm=True)
    merchant.ask("/setup_intents", payment_method="pm_card_authenticationRequired", confirm=True)
    merchant.ask("/setup_intents", status=402, payment_method="pm_card_chargeDeclined", confirm=True)
    unused = merchant.ask("/setup_intents")["id"]
    merchant.ask(f"/setup_intents/{unused}/cancel")

    merchant.ask(f"/payment_methods/{method}/detach")
    assert merchant.send("DELETE", f"/v1/customers/{ada}").status_code == 200
    tell_of_endpoints(merchant)


def tell_of_endpoints(merchant: Merchant) -> None:
    tried = merchant.post("/webhook_endpoints/", {"url": HOOK, "enabled_events": ["*"]}).json()["id"]
    assert merchant.post(f"/webhook_endpoints/{tried}/test/").status_code < 300
    endpoint = Endpoint.objects.get(url=HOOK)
    for share in (0.75, 1.01):
        began = database_now() - share * timedelta(days=5)
        Lane.objects.filter(endpoint_id=endpoint.id).update(failing_since=began)
        disable_endpoints(failing=[endpoint.id])


def left_out(value: Any, name: str = "") -> Any:
    """The same without what is another in every run."""
    match value:
        case dict():
            return {key: left_out(member, key) for key, member in value.items()}
        case list():
            return [left_out(member, name) for member in value]
        case bool():
            return value
        case int() if name == "exp_year":
            return 2034
        case int() if 1_600_000_000 < value < 2_500_000_000:
            return MOMENT
        case str() if name in {"fingerprint", "idempotency_key"}:
            return "…"
        case str():
            return IDS.sub(
                lambda found: f"{found[1]}_…" + ("_secret_…" if "_secret_" in found[0] else ""), value
            )
        case _:
            return value


def page() -> str:
    first: dict[str, Event] = {}
    for event in Event.objects.order_by("id"):
        first.setdefault(event.type, event)
    assert set(first) == set(EVENT_TYPES)
    parts = [HEAD]
    for name, tells in EVENT_TYPES.items():
        body = left_out(json.loads(render_event(first[name].facts, STRIPE)))
        parts.append(
            f"## {name}\n\n{tells}\n\n```json\n{json.dumps(body, indent=2, ensure_ascii=False)}\n```\n"
        )
    return "\n".join(parts)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("bank")
def test_every_event_has_a_body_that_was_really_made() -> None:
    account = create_account(name="Shop")
    tell_everything(Merchant(account=account, key=create_api_key(account=account, name="tests")))
    made = page()
    if os.environ.get("WRITE_EVENT_PAYLOADS"):
        PAGE.write_text(made, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == made
