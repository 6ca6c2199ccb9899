"""An example of each event that payments record: made-up rows, shown by the code that shows real ones. No statement."""

import hashlib
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from core.method_objects import payment_method_object, refusal_object
from core.models import Charge, Customer, PaymentIntent, PaymentMethod, Refund, SetupIntent
from core.money_objects import charge_object, refund_object
from core.objects import customer_object, payment_intent_object, setup_intent_object
from core.states import Status
from outbox.identifiers import floor_uuid

MOMENT = datetime(2026, 11, 22, 12, tzinfo=UTC)
_DECLINED = {
    "code": "card_declined",
    "message": "Your card was declined.",
    "decline_code": "generic_decline",
}


def example_id(name: str) -> uuid.UUID:
    """The id of something that never was, the same each time."""
    digits = int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "big")
    return uuid.UUID(int=floor_uuid(MOMENT).int | digits)


def example_data(type: str) -> tuple[Mapping[str, Any], Mapping[str, Any] | None]:
    """`data.object` of such an event, and what changed of it where the event tells that; both canonical.

    Raises:
        KeyError: no event of that name, or one that is not of payments.
    """
    about, _, happened = type.partition(".")
    shown = _OBJECTS[about](happened)
    return shown, {"description": None} if type == "customer.updated" else None


def _customer(happened: str) -> dict[str, Any]:
    return customer_object(
        Customer(
            id=example_id("customer"),
            account_id=example_id("account"),
            name="Ada Example",
            email="ada@shop.example",
            description="Orders by phone" if happened == "updated" else None,
            metadata={"shelf": "12"},
        )
    )


def _intent(happened: str) -> dict[str, Any]:
    status, paid, held, fields = _INTENTS[happened]
    method = _method_row()
    charged = paid or held or happened == "payment_failed"
    error = None
    if happened == "payment_failed":
        error = _declined(method, charge_id=example_id("charge"))
    return payment_intent_object(
        PaymentIntent(
            id=example_id("intent"),
            account_id=example_id("account"),
            customer_id=example_id("customer"),
            amount=2_000,
            currency="usd",
            status=status,
            amount_received=paid,
            amount_capturable=held,
            client_secret=_client_secret("pi"),
            metadata={"order": "1234"},
            payment_method=None if status == Status.REQUIRES_PAYMENT_METHOD else "pm_card_visa",
            method_id=method.id if happened not in ("created", "payment_failed") else None,
            payment_method_types=["card", "us_bank_account"],
            latest_charge_id=example_id("charge") if charged else None,
            last_payment_error=error,
            **fields,
        )
    )


# Happening → status, what was received, what a card holds, further columns.
_INTENTS: dict[str, tuple[str, int, int, dict[str, Any]]] = {
    "created": (Status.REQUIRES_PAYMENT_METHOD, 0, 0, {}),
    "processing": (Status.PROCESSING, 0, 0, {}),
    "succeeded": (Status.SUCCEEDED, 2_000, 0, {}),
    "payment_failed": (Status.REQUIRES_PAYMENT_METHOD, 0, 0, {}),
    "canceled": (
        Status.CANCELED,
        0,
        0,
        {"canceled_at": MOMENT, "cancellation_reason": "requested_by_customer"},
    ),
    "requires_action": (Status.REQUIRES_ACTION, 0, 0, {"return_url": "https://shop.example/paid"}),
    "amount_capturable_updated": (Status.REQUIRES_CAPTURE, 0, 2_000, {"capture_method": "manual"}),
}


def _charge(happened: str) -> dict[str, Any]:
    return charge_object(_charge_row(happened))


def _charge_row(happened: str) -> Charge:
    debit, failed = happened == "pending", happened == "failed"
    captured = not debit and not failed
    return Charge(
        id=example_id("charge"),
        account_id=example_id("account"),
        payment_intent_id=example_id("intent"),
        customer_id=example_id("customer"),
        method_id=example_id("method"),
        behaviour="pm_usBankAccount_success" if debit else "pm_card_visa",
        exp_month=12,
        exp_year=2040,
        billing_details={},
        amount=2_000,
        amount_captured=2_000 if captured else 0,
        amount_refunded=500 if happened == "refunded" else 0,
        currency="usd",
        status="pending" if debit else "failed" if failed else "succeeded",
        captured=captured,
        failure_code=_DECLINED["code"] if failed else None,
        failure_message=_DECLINED["message"] if failed else None,
        decline_code=_DECLINED["decline_code"] if failed else None,
        description="Order 1234, by phone" if happened == "updated" else None,
        metadata={"order": "1234"},
        balance_transaction_id=example_id("transaction") if captured else None,
    )


def _refund(happened: str) -> dict[str, Any]:
    failed = happened == "failed"
    row = Refund(
        id=example_id("refund"),
        account_id=example_id("account"),
        charge_id=example_id("charge"),
        payment_intent_id=example_id("intent"),
        amount=500,
        currency="usd",
        status="failed" if failed else "succeeded",
        reason="requested_by_customer",
        metadata={"order": "1234"},
        failure_reason="expired_or_canceled_card" if failed else None,
        balance_transaction_id=example_id("refund transaction"),
        failure_transaction_id=example_id("failure transaction") if failed else None,
    )
    return refund_object(row, _charge_row("refunded"))


def _method(happened: str) -> dict[str, Any]:
    row = _method_row()
    row.customer_id = None if happened == "detached" else example_id("customer")
    return payment_method_object(row)


def _method_row() -> PaymentMethod:
    return PaymentMethod(
        id=example_id("method"),
        account_id=example_id("account"),
        behaviour="pm_card_visa",
        exp_month=12,
        exp_year=2040,
        billing_details={"name": "Ada Example"},
        metadata={},
    )


def _setup(happened: str) -> dict[str, Any]:
    method = _method_row()
    failed = happened == "setup_failed"
    return setup_intent_object(
        SetupIntent(
            id=example_id("setup"),
            account_id=example_id("account"),
            customer_id=example_id("customer"),
            method_id=method.id if happened in ("requires_action", "succeeded") else None,
            status=_SETUPS[happened],
            client_secret=_client_secret("seti"),
            metadata={},
            payment_method_types=["card", "us_bank_account"],
            return_url="https://shop.example/kept" if happened == "requires_action" else None,
            last_setup_error=_declined(method) if failed else None,
            cancellation_reason="abandoned" if happened == "canceled" else None,
        )
    )


_SETUPS = {
    "created": "requires_payment_method",
    "requires_action": "requires_action",
    "succeeded": "succeeded",
    "setup_failed": "requires_payment_method",
    "canceled": "canceled",
}


def _declined(method: PaymentMethod, *, charge_id: uuid.UUID | None = None) -> dict[str, Any]:
    return refusal_object(
        type="card_error",
        kind="card",
        code=_DECLINED["code"],
        message=_DECLINED["message"],
        decline_code=_DECLINED["decline_code"],
        charge_id=charge_id,
        method=method,
    )


def _client_secret(prefix: str) -> str:
    """In its form, and of no payment."""
    return f"{prefix}_example_secret_example"


_OBJECTS: dict[str, Callable[[str], dict[str, Any]]] = {
    "customer": _customer,
    "payment_intent": _intent,
    "charge": _charge,
    "refund": _refund,
    "payment_method": _method,
    "setup_intent": _setup,
}
