"""What merchants do with payment intents: create, confirm (`core.confirmation`), capture and cancel."""

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.db import transaction

from core.charges import capture_charge
from core.confirmation import NO_TERMS, Terms, confirm, confirm_payment_intent
from core.currencies import check_amount, shown_amount
from core.errors import CustomerNotFound, IllegalMove, InvalidParameter, UnknownParameter
from core.events import record
from core.lookups import customer_uuid, get_payment_intent
from core.models import PaymentIntent
from core.money_errors import CaptureTooLarge
from core.objects import payment_intent_object
from core.sql import SQL, jsonb
from core.states import MOVES, Move, Status
from core.wallets import Chosen, choose_payment_method
from core.writes import Write
from outbox.database import execute
from outbox.sql import prepared

__all__ = [
    "CANCELLATION_REASONS",
    "FIELDS",
    "PAYMENT_METHOD_TYPES",
    "cancel_payment_intent",
    "capture_payment_intent",
    "confirm_payment_intent",
    "create_and_confirm",
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
        "payment_method_options",
        "capture_method",
        "setup_future_usage",
        "return_url",
        "billing_details",
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
        PaymentMethodSpent, PaymentMethodOfAnotherCustomer: it cannot be paid with that.
    """
    row, chosen = _new_intent(write.account_id, fields)
    result = payment_intent_object(row)
    with transaction.atomic(durable=True):
        write.operation.begin(result)
        _insert(write, row, chosen, fields, result)
    return result


def create_and_confirm(*, write: Write, fields: Mapping[str, Any], terms: Terms = NO_TERMS) -> dict[str, Any]:
    """A new intent, confirmed by the same operation, canonical. Transactions as in `confirm_payment_intent`.

    The intent's id is the operation's, so that a retry finds what the first try left behind. A card that is
    declined leaves the intent, which waits for another payment method.

    Raises:
        as `create_payment_intent` and `confirm_payment_intent` do.
    """
    row, chosen = _new_intent(write.account_id, fields)

    def make() -> uuid.UUID:
        if not write.operation.resumed:
            row.id = write.operation.id
            row.client_secret = _client_secret(row)
            _insert(write, row, chosen, fields, payment_intent_object(row))
        return write.operation.id

    made_with = replace(chosen, makes=False) if chosen.behaviour is not None else chosen
    return confirm(write=write, find=make, chosen=made_with, terms=terms)


def _insert(
    write: Write, row: PaymentIntent, chosen: Chosen, fields: Mapping[str, Any], result: dict[str, Any]
) -> None:
    """Row and event, in the open transaction."""
    statement = prepared("core.sql", "create_payment_intent")
    if not execute(statement, {**_parameters(row), **_method(row, chosen)}):
        raise CustomerNotFound(fields["customer"], param="customer")
    record(write, "payment_intent.created", result)


def _new_intent(account_id: uuid.UUID, fields: Mapping[str, Any]) -> tuple[PaymentIntent, Chosen]:
    unknown = fields.keys() - FIELDS
    if unknown:
        raise UnknownParameter(min(unknown))
    values = {name: value for name, value in fields.items() if value is not None}
    values["currency"] = values["currency"].lower()
    check_amount(amount=values["amount"], currency=values["currency"])
    customer = values.pop("customer", None)
    if customer is not None:
        values["customer_id"] = customer_uuid(customer, param="customer")
    chosen = choose_payment_method(
        account_id, values.pop("payment_method", None), values.pop("billing_details", None)
    )
    chosen.require_customer(values.get("customer_id"))
    status = Status.REQUIRES_PAYMENT_METHOD
    if chosen.behaviour is not None:
        values |= {"payment_method": chosen.behaviour.id, "method_id": chosen.method_id}
        status = Status.REQUIRES_CONFIRMATION
    check_payment_method_types(values.setdefault("payment_method_types", list(PAYMENT_METHOD_TYPES)))
    row = PaymentIntent(account_id=account_id, status=status.value, **values)
    row.client_secret = _client_secret(row)
    return row, chosen


def _client_secret(row: PaymentIntent) -> str:
    return f"{row.public_id}_secret_{secrets.token_hex(12)}"


def _method(row: PaymentIntent, chosen: Chosen) -> dict[str, Any]:
    """The columns of a payment method that is new with its intent; none without a method."""
    return {
        **chosen.columns,
        "method_id": row.method_id,
        "makes_method": chosen.makes and row.method_id is not None,
    }


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
        "payment_method_options": jsonb(row.payment_method_options),
        "capture_method": row.capture_method,
        "setup_future_usage": row.setup_future_usage,
        "return_url": row.return_url,
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
    with transaction.atomic(durable=True):
        write.operation.begin()
        result = payment_intent_object(_moved(write, intent_id, Move.CANCEL, reason=reason))
        record(write, "payment_intent.canceled", result)
        write.operation.finish(result)
    return result


def capture_payment_intent(*, write: Write, intent_id: uuid.UUID, amount: int | None) -> dict[str, Any]:
    """The succeeded intent, canonical. Opens one transaction: operation, intent, charge, ledger, events, answer.

    Args:
        amount: to be taken of what the card holds, in minor units; the rest is released. None takes all.

    Raises:
        PaymentIntentNotFound: no such intent in the account.
        IllegalMove: nothing is held for it.
        CaptureTooLarge: less is held.
    """
    with transaction.atomic(durable=True):
        write.operation.begin()
        intent = _moved(write, intent_id, Move.CAPTURE, amount=amount)
        capture_charge(write=write, intent=intent)
        result = payment_intent_object(intent)
        record(write, "payment_intent.succeeded", result)
        write.operation.finish(result)
    return result


def _moved(write: Write, intent_id: uuid.UUID, move: Move, **values: Any) -> PaymentIntent:
    """One statement, and one more that tells why it did nothing."""
    rule = MOVES[move]
    moved = PaymentIntent.objects.raw(
        SQL[f"{move.value}_payment_intent"],
        {
            "id": intent_id,
            "account_id": write.account_id,
            "sources": rule.source_names,
            "target": rule.target.value,
            **values,
        },
    )
    for intent in moved:
        return intent
    held = get_payment_intent(write.account_id, intent_id)
    if move is Move.CAPTURE and Status(held.status) in rule.sources:
        raise CaptureTooLarge(held=shown_amount(held.amount_capturable, held.currency))
    raise IllegalMove(move=move.value, payment_intent=payment_intent_object(held))
