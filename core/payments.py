"""What merchants do with payment intents: create, confirm (`core.confirmation`) and cancel."""

import secrets
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from core.confirmation import confirm_payment_intent
from core.currencies import check_amount
from core.errors import CustomerNotFound, IllegalMove, InvalidParameter, UnknownParameter
from core.events import record
from core.lookups import customer_uuid, get_payment_intent
from core.models import PaymentIntent
from core.objects import payment_intent_object
from core.payment_methods import resolve_payment_method
from core.sql import SQL, jsonb
from core.states import MOVES, Move, Status
from core.writes import Write
from outbox.database import execute
from outbox.sql import prepared

__all__ = [
    "CANCELLATION_REASONS",
    "FIELDS",
    "PAYMENT_METHOD_TYPES",
    "cancel_payment_intent",
    "confirm_payment_intent",
    "create_payment_intent",
]

FIELDS = frozenset(
    {
        "amount",
        "currency",
        "customer",
        "description",
        "metadata",
        "payment_method",
        "payment_method_types",
        "automatic_payment_methods",
        "receipt_email",
        "shipping",
        "statement_descriptor",
        "statement_descriptor_suffix",
    }
)
PAYMENT_METHOD_TYPES = ("card", "us_bank_account")
CANCELLATION_REASONS = ("abandoned", "duplicate", "fraudulent", "requested_by_customer")


def create_payment_intent(*, write: Write, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The new intent, canonical. Opens one transaction: the operation, the row, its event.

    Args:
        fields: `amount` (minor units) and `currency` (any case), and any others of FIELDS, of the right
            types already. `customer` is a public id.

    Raises:
        UnknownParameter, UnknownCurrency, AmountTooSmall, AmountTooLarge: the input is not acceptable.
        PaymentMethodNotFound, CustomerNotFound: it names what is not there, or another account's.
    """
    row = _new_intent(write.account_id, fields)
    result = payment_intent_object(row)
    with transaction.atomic(durable=True):
        write.operation.begin(result)
        if not execute(prepared("core.sql", "create_payment_intent"), _parameters(row)):
            raise CustomerNotFound(fields["customer"], param="customer")
        record(write, "payment_intent.created", result)
    return result


def _new_intent(account_id: uuid.UUID, fields: Mapping[str, Any]) -> PaymentIntent:
    unknown = fields.keys() - FIELDS
    if unknown:
        raise UnknownParameter(min(unknown))
    values = {name: value for name, value in fields.items() if value is not None}
    values["currency"] = values["currency"].lower()
    check_amount(amount=values["amount"], currency=values["currency"])
    customer = values.pop("customer", None)
    if customer is not None:
        values["customer_id"] = customer_uuid(customer, param="customer")
    status = Status.REQUIRES_PAYMENT_METHOD
    if "payment_method" in values:
        values["payment_method"] = resolve_payment_method(values["payment_method"]).id
        status = Status.REQUIRES_CONFIRMATION
    check_payment_method_types(values.setdefault("payment_method_types", list(PAYMENT_METHOD_TYPES)))
    row = PaymentIntent(account_id=account_id, status=status.value, **values)
    row.client_secret = f"{row.public_id}_secret_{secrets.token_hex(12)}"
    return row


def check_payment_method_types(types: list[str]) -> None:
    """Raises InvalidParameter: none at all, or one that does not exist."""
    known = ", ".join(PAYMENT_METHOD_TYPES)
    if not types:
        raise InvalidParameter(f"Name at least one of: {known}", param="payment_method_types")
    for position, name in enumerate(types):
        if name not in PAYMENT_METHOD_TYPES:
            raise InvalidParameter(
                f"No such payment method type: '{name}'; there are: {known}",
                param=f"payment_method_types[{position}]",
            )


def _parameters(row: PaymentIntent) -> dict[str, Any]:
    return {
        "id": row.id,
        "account_id": row.account_id,
        "customer_id": row.customer_id,
        "amount": row.amount,
        "currency": row.currency,
        "status": row.status,
        "client_secret": row.client_secret,
        "description": row.description,
        "metadata": jsonb(row.metadata),
        "payment_method": row.payment_method,
        "payment_method_types": jsonb(row.payment_method_types),
        "automatic_payment_methods": jsonb(row.automatic_payment_methods),
        "receipt_email": row.receipt_email,
        "shipping": jsonb(row.shipping),
        "statement_descriptor": row.statement_descriptor,
        "statement_descriptor_suffix": row.statement_descriptor_suffix,
    }


def cancel_payment_intent(*, write: Write, intent_id: uuid.UUID, reason: str | None) -> dict[str, Any]:
    """The canceled intent, canonical. Opens one transaction: operation, row, event, answer.

    Raises:
        InvalidParameter: `reason` is none of CANCELLATION_REASONS.
        PaymentIntentNotFound: no such intent in the account.
        IllegalMove: it is under way or at its end.
    """
    if reason is not None and reason not in CANCELLATION_REASONS:
        raise InvalidParameter(
            f"Invalid cancellation_reason: must be one of {', '.join(CANCELLATION_REASONS)}",
            param="cancellation_reason",
        )
    rule = MOVES[Move.CANCEL]
    with transaction.atomic(durable=True):
        write.operation.begin()
        moved = list(
            PaymentIntent.objects.raw(
                SQL["cancel_payment_intent"],
                {
                    "id": intent_id,
                    "account_id": write.account_id,
                    "sources": rule.source_names,
                    "target": rule.target.value,
                    "reason": reason,
                },
            )
        )
        if not moved:
            held = payment_intent_object(get_payment_intent(write.account_id, intent_id))
            raise IllegalMove(move=Move.CANCEL.value, payment_intent=held)
        result = payment_intent_object(moved[0])
        record(write, "payment_intent.canceled", result)
        write.operation.finish(result)
    return result
