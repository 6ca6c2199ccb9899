"""Rows as Stripe shapes them: plain dicts, canonical, ready for JSON. Pure, and called for every write.

Every field that Stripe's SDKs hold to be always present is here, also where we have no such feature yet.
"""

from typing import Any

from core.config import public_url
from core.models import Customer, PaymentIntent, SetupIntent
from core.states import Status
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
        "amount_capturable": row.amount_capturable,
        "amount_received": row.amount_received,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": row.automatic_payment_methods,
        "canceled_at": None if row.canceled_at is None else int(row.canceled_at.timestamp()),
        "cancellation_reason": row.cancellation_reason,
        "capture_method": row.capture_method,
        "client_secret": row.client_secret,
        "confirmation_method": "automatic",
        "created": _created(row),
        "currency": row.currency,
        "customer": None if row.customer_id is None else encode_id("cus", row.customer_id),
        "customer_account": None,
        "description": row.description,
        "excluded_payment_method_types": None,
        "last_payment_error": row.last_payment_error,
        "latest_charge": None if row.latest_charge_id is None else encode_id("ch", row.latest_charge_id),
        "livemode": False,
        "managed_payments": {"enabled": False},
        "metadata": row.metadata,
        "next_action": _next_action(row),
        "on_behalf_of": None,
        "payment_method": _payment_method(row),
        "payment_method_configuration_details": None,
        "payment_method_options": row.payment_method_options or {},
        "payment_method_types": row.payment_method_types,
        "payment_record": None,
        "processing": None,
        "receipt_email": row.receipt_email,
        "review": None,
        "setup_future_usage": row.setup_future_usage,
        "shipping": row.shipping,
        "source": None,
        "statement_descriptor": row.statement_descriptor,
        "statement_descriptor_suffix": row.statement_descriptor_suffix,
        "status": row.status,
        "transfer_group": None,
    }


def _payment_method(row: PaymentIntent) -> str | None:
    """A payment made before payment methods had rows shows the test method's own name."""
    if row.payment_method is None or row.method_id is None:
        return row.payment_method
    return encode_id("pm", row.method_id)


def setup_intent_object(row: SetupIntent) -> dict[str, Any]:
    return {
        "id": encode_id("seti", row.id),
        "object": "setup_intent",
        "allowed_payment_method_types": None,
        "application": None,
        "attach_to_self": False,
        "automatic_payment_methods": row.automatic_payment_methods,
        "cancellation_reason": row.cancellation_reason,
        "client_secret": row.client_secret,
        "created": _created(row),
        "customer": None if row.customer_id is None else encode_id("cus", row.customer_id),
        "customer_account": None,
        "description": row.description,
        "excluded_payment_method_types": None,
        "flow_directions": None,
        "last_setup_error": row.last_setup_error,
        "latest_attempt": None,
        "livemode": False,
        "managed_payments": {"enabled": False},
        "mandate": None,
        "metadata": row.metadata,
        "next_action": _next_action(row),
        "on_behalf_of": None,
        "payment_method": None if row.method_id is None else encode_id("pm", row.method_id),
        "payment_method_configuration_details": None,
        "payment_method_options": row.payment_method_options or {},
        "payment_method_types": row.payment_method_types,
        "single_use_mandate": None,
        "status": row.status,
        "usage": row.usage,
    }


def _next_action(row: PaymentIntent | SetupIntent) -> dict[str, Any] | None:
    """The page on which the payer authenticates; its address holds the intent's client secret, and nothing else."""
    if row.status != Status.REQUIRES_ACTION:
        return None
    url = f"{public_url()}/authenticate/{row.client_secret}"
    return {"redirect_to_url": {"return_url": row.return_url, "url": url}, "type": "redirect_to_url"}


def _created(row: Customer | PaymentIntent | SetupIntent) -> int:
    """Unix seconds, out of the milliseconds that begin a UUIDv7."""
    return int((row.id.int >> 80) // 1000)
