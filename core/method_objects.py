"""Payment methods as Stripe shapes them: pure, and shared by all who show one or a part of one."""

import hashlib
import uuid
from typing import Any

from core.models import Charge, PaymentMethod
from core.payment_methods import PAYMENT_METHODS, Behaviour
from outbox.identifiers import encode_id

_NO_ADDRESS = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
_BANK = {"bank_name": "STRIPE TEST BANK", "routing_number": "110000000"}


def payment_method_object(row: PaymentMethod) -> dict[str, Any]:
    behaviour = behaviour_of(row)
    shown: dict[str, Any] = {
        "id": encode_id("pm", row.id),
        "object": "payment_method",
        "allow_redisplay": row.allow_redisplay,
        "billing_details": billing_details(row.billing_details),
        "created": _created(row),
        "customer": None if row.customer_id is None else encode_id("cus", row.customer_id),
        "customer_account": None,
        "livemode": False,
        "metadata": row.metadata,
        "radar_options": None,
        "type": behaviour.kind,
    }
    shown[behaviour.kind] = _card(row, behaviour) if behaviour.is_card else _bank_account(row)
    return shown


def refusal_object(
    *,
    type: str,
    kind: str,
    code: str | None,
    message: str | None,
    decline_code: str | None = None,
    charge_id: uuid.UUID | None = None,
    method: PaymentMethod | None,
) -> dict[str, Any]:
    """Why a payment method was refused, as an intent keeps it (`last_payment_error`, `last_setup_error`)."""
    return {
        "advice_code": None,
        "charge": None if charge_id is None else encode_id("ch", charge_id),
        "code": code,
        "decline_code": decline_code,
        "message": message,
        "network_advice_code": None,
        "network_decline_code": None,
        "payment_method": None if method is None else payment_method_object(method),
        "payment_method_type": kind,
        "type": type,
    }


def payment_method_details(row: Charge) -> dict[str, Any]:
    """What a charge tells of the payment method as it was when it paid."""
    behaviour = behaviour_of(row)
    if not behaviour.is_card:
        details = {
            name: value
            for name, value in _bank_account(row).items()
            if name not in {"financial_connections_account", "networks", "status_details"}
        }
        account = {**details, "expected_debit_date": None, "mandate": None, "payment_reference": None}
        return {"type": behaviour.kind, behaviour.kind: account}
    card = _card(row, behaviour)
    for name in ("display_brand", "generated_from", "networks", "three_d_secure_usage"):
        del card[name]
    authenticated = {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "exemption_indicator_applied": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": None,
        "version": "2.2.0",
    }
    card |= {
        "amount_authorized": row.amount if row.status == "succeeded" else None,
        "authorization_code": None,
        "capture_before": None,
        "electronic_commerce_indicator": None,
        "extended_authorization": {"status": "disabled"},
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "mandate": None,
        "moto": None,
        "multicapture": {"status": "unavailable"},
        "network": card["brand"],
        "network_token": {"used": False},
        "network_transaction_id": None,
        "overcapture": {"maximum_amount_capturable": row.amount, "status": "unavailable"},
        "setup_credential_usage": None,
        "stored_credential_usage": None,
        "three_d_secure": authenticated if behaviour.challenged and row.status == "succeeded" else None,
        "transaction_link_id": None,
    }
    return {"type": behaviour.kind, behaviour.kind: card}


def billing_details(given: dict[str, Any]) -> dict[str, Any]:
    """Every field, also those that nobody gave."""
    names = ("email", "name", "phone", "tax_id")
    return {
        "address": {**_NO_ADDRESS, **(given.get("address") or {})},
        **{name: given.get(name) for name in names},
    }


def behaviour_of(row: PaymentMethod | Charge) -> Behaviour:
    """One that we do not know any more is shown as what the first card is."""
    return PAYMENT_METHODS.get(row.behaviour) or PAYMENT_METHODS["pm_card_visa"]


def _card(row: PaymentMethod | Charge, behaviour: Behaviour) -> dict[str, Any]:
    printed = behaviour.card
    assert printed is not None, "every card has a face"
    created = row.created_at
    return {
        "brand": printed.brand,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": "fail" if "Cvc" in behaviour.id else "pass",
        },
        "country": "US",
        "description": None,
        "display_brand": printed.brand if printed.brand != "amex" else "american_express",
        "exp_month": row.exp_month or created.month,
        "exp_year": row.exp_year or created.year + 1,
        "fingerprint": _fingerprint(row, printed.number),
        "funding": "credit",
        "generated_from": None,
        "iin": None,
        "issuer": None,
        "last4": printed.last4,
        "networks": {"available": [printed.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def _bank_account(row: PaymentMethod | Charge) -> dict[str, Any]:
    return {
        **_BANK,
        "account_holder_type": "individual",
        "account_type": "checking",
        "financial_connections_account": None,
        "fingerprint": _fingerprint(row, row.behaviour),
        "last4": "6789",
        "networks": {"preferred": "ach", "supported": ["ach"]},
        "status_details": {},
    }


def _fingerprint(row: PaymentMethod | Charge, number: str) -> str:
    """The same for one number within an account, and of no use to find the number by."""
    digest = hashlib.blake2b(number.encode(), key=row.account_id.bytes, digest_size=8)
    return digest.hexdigest()


def _created(row: PaymentMethod) -> int:
    """Unix seconds, out of the milliseconds that begin a UUIDv7."""
    return int((row.id.int >> 80) // 1000)
