"""Rows as Stripe shapes them: plain dicts, canonical, ready for JSON. Pure, and called for every write.

Every field that Stripe's SDKs hold to be always present is here, also where we have no such feature yet.
"""

from typing import Any

from core.models import Customer, PaymentIntent
from outbox.identifiers import encode_id


def customer_object(row: Customer) -> dict[str, Any]:
    return {
        "id": encode_id("cus", row.id),
        "object": "customer",
        "address": row.address,
        "balance": 0,
        "created": _created(row),
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": row.description,
        "email": row.email,
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": row.metadata,
        "name": row.name,
        "phone": row.phone,
        "preferred_locales": [],
        "shipping": row.shipping,
        "tax_exempt": "none",
        "test_clock": None,
    }


def deleted_customer_object(row: Customer) -> dict[str, Any]:
    return {"id": encode_id("cus", row.id), "object": "customer", "deleted": True}


def shown_customer(row: Customer) -> dict[str, Any]:
    """The customer, or what is left of one that was deleted."""
    return customer_object(row) if row.deleted_at is None else deleted_customer_object(row)


def payment_intent_object(row: PaymentIntent) -> dict[str, Any]:
    return {
        "id": encode_id("pi", row.id),
        "object": "payment_intent",
        "allowed_payment_method_types": None,
        "amount": row.amount,
        "amount_capturable": 0,
        "amount_received": row.amount_received,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": row.automatic_payment_methods,
        "canceled_at": None if row.canceled_at is None else int(row.canceled_at.timestamp()),
        "cancellation_reason": row.cancellation_reason,
        "capture_method": "automatic",
        "client_secret": row.client_secret,
        "confirmation_method": "automatic",
        "created": _created(row),
        "currency": row.currency,
        "customer": None if row.customer_id is None else encode_id("cus", row.customer_id),
        "customer_account": None,
        "description": row.description,
        "excluded_payment_method_types": None,
        "last_payment_error": row.last_payment_error,
        "latest_charge": None,
        "livemode": False,
        "managed_payments": {"enabled": False},
        "metadata": row.metadata,
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": row.payment_method,
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": row.payment_method_types,
        "payment_record": None,
        "processing": None,
        "receipt_email": row.receipt_email,
        "review": None,
        "setup_future_usage": None,
        "shipping": row.shipping,
        "source": None,
        "statement_descriptor": row.statement_descriptor,
        "statement_descriptor_suffix": row.statement_descriptor_suffix,
        "status": row.status,
        "transfer_group": None,
    }


def _created(row: Customer | PaymentIntent) -> int:
    """Unix seconds, out of the milliseconds that begin a UUIDv7."""
    return int((row.id.int >> 80) // 1000)
