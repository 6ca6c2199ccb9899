"""Charges, refunds and the ledger as Stripe shapes them: plain dicts, canonical. Pure.

Every field that Stripe's SDKs know is here, also where we have no such feature yet.
"""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from core.method_objects import billing_details, payment_method_details
from core.models import BalanceTransaction, Charge, Refund
from outbox.identifiers import encode_id

_NOT_OF_OURS = dict.fromkeys(
    (
        "application",
        "application_fee",
        "application_fee_amount",
        "authorization_code",
        "failure_balance_transaction",
        "level3",
        "on_behalf_of",
        "presentment_details",
        "receipt_number",
        "receipt_url",
        "refunds",
        "review",
        "source",
        "source_transfer",
        "transfer",
        "transfer_data",
        "transfer_group",
    )
)
_DESCRIPTOR = "MINI STRIPE"


def charge_object(row: Charge) -> dict[str, Any]:
    return {
        "id": encode_id("ch", row.id),
        "object": "charge",
        **_NOT_OF_OURS,
        "amount": row.amount,
        "amount_captured": row.amount_captured,
        "amount_refunded": row.amount_refunded,
        "balance_transaction": _public("txn", row.balance_transaction_id),
        "billing_details": billing_details(row.billing_details),
        "calculated_statement_descriptor": row.statement_descriptor or _DESCRIPTOR,
        "captured": row.captured,
        "created": _created(row),
        "currency": row.currency,
        "customer": _public("cus", row.customer_id),
        "description": row.description,
        "disputed": False,
        "failure_code": row.failure_code,
        "failure_message": row.failure_message,
        "fraud_details": {},
        "livemode": False,
        "metadata": row.metadata,
        "outcome": _outcome(row),
        "paid": row.status == "succeeded",
        "payment_intent": _public("pi", row.payment_intent_id),
        "payment_method": _public("pm", row.method_id),
        "payment_method_details": payment_method_details(row),
        "radar_options": {},
        "receipt_email": row.receipt_email,
        "refunded": row.amount_captured > 0 and row.amount_refunded == row.amount_captured,
        "shipping": row.shipping,
        "statement_descriptor": row.statement_descriptor,
        "statement_descriptor_suffix": row.statement_descriptor_suffix,
        "status": row.status,
    }


def _outcome(row: Charge) -> dict[str, Any] | None:
    if row.status == "pending":
        return None
    refused = row.status == "failed"
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "declined_by_network" if refused else "approved_by_network",
        "reason": (row.decline_code or row.failure_code) if refused else None,
        "risk_level": "normal",
        "risk_score": None,
        "rule": None,
        "seller_message": "The bank declined the payment." if refused else "Payment complete.",
        "type": "issuer_declined" if refused else "authorized",
    }


def refund_object(row: Refund, charge: Charge) -> dict[str, Any]:
    """`charge` is the refund's own, which tells what was paid with."""
    details = payment_method_details(charge)
    kind = details["type"]
    destination: dict[str, Any] = {"type": kind if kind == "card" else "us_bank_transfer"}
    destination[destination["type"]] = (
        {
            "reference": None,
            "reference_status": "pending",
            "reference_type": "acquirer_reference_number",
            "type": "refund",
        }
        if kind == "card"
        else {"reference": None, "reference_status": None}
    )
    return {
        "id": encode_id("re", row.id),
        "object": "refund",
        "amount": row.amount,
        "balance_transaction": _public("txn", row.balance_transaction_id),
        "charge": encode_id("ch", row.charge_id),
        "created": _created(row),
        "currency": row.currency,
        "customer": _public("cus", charge.customer_id),
        "customer_account": None,
        "description": None,
        "destination_details": destination,
        "failure_balance_transaction": _public("txn", row.failure_transaction_id),
        "failure_reason": row.failure_reason,
        "instructions_email": None,
        "metadata": row.metadata,
        "next_action": None,
        "payment_intent": encode_id("pi", row.payment_intent_id),
        "payment_method": _public("pm", charge.method_id),
        "pending_reason": "processing" if row.status == "pending" else None,
        "presentment_details": None,
        "reason": row.reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": row.status,
        "transfer_reversal": None,
    }


def balance_transaction_object(row: BalanceTransaction) -> dict[str, Any]:
    fee = {
        "amount": row.fee,
        "application": None,
        "currency": row.currency,
        "description": "Processing fees",
        "type": "stripe_fee",
    }
    return {
        "id": encode_id("txn", row.id),
        "object": "balance_transaction",
        "amount": row.amount,
        "available_on": int(row.available_at.timestamp()),
        "balance_type": "payments",
        "created": _created(row),
        "currency": row.currency,
        "description": row.description,
        "exchange_rate": None,
        "fee": row.fee,
        "fee_details": [fee] if row.fee else [],
        "livemode": False,
        "net": row.net,
        "reporting_category": row.type,
        "source": row.source,
        "status": "available" if row.available_at <= datetime.now(UTC) else "pending",
        "type": row.type,
    }


def balance_object(balances: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    """Of a merchant without any movement the currency is usd."""
    found = balances or {"usd": {"available": 0, "pending": 0}}

    def amounts(name: str) -> list[dict[str, Any]]:
        return [
            {
                "amount": found[currency][name],
                "currency": currency,
                "source_types": {"card": found[currency][name]},
            }
            for currency in sorted(found)
        ]

    return {
        "object": "balance",
        "available": amounts("available"),
        "connect_reserved": [],
        "instant_available": [],
        "issuing": None,
        "livemode": False,
        "pending": amounts("pending"),
        "refund_and_dispute_prefunding": None,
    }


def _public(prefix: str, id: uuid.UUID | None) -> str | None:
    return None if id is None else encode_id(prefix, id)


def _created(row: Charge | Refund | BalanceTransaction) -> int:
    """Unix seconds, out of the milliseconds that begin a UUIDv7."""
    return int((row.id.int >> 80) // 1000)
