"""Updating a payment intent: which field may change is decided by its status."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from core.changes import apply_changes
from core.currencies import check_amount
from core.errors import CustomerNotFound, FieldFixed, UnknownParameter
from core.lookups import customer_uuid, customers_of, lock_payment_intent
from core.models import PaymentIntent, PaymentMethod
from core.objects import payment_intent_object
from core.payments import check_payment_method_types
from core.states import Status
from core.wallets import choose_payment_method
from core.writes import Write

_BEFORE_CONFIRMATION = (
    Status.REQUIRES_PAYMENT_METHOD,
    Status.REQUIRES_CONFIRMATION,
    Status.REQUIRES_ACTION,
)
_UNTIL_RECEIPT = (*_BEFORE_CONFIRMATION, Status.REQUIRES_CAPTURE, Status.SUCCEEDED)
_EVER = tuple(Status)

CHANGEABLE: dict[str, tuple[Status, ...]] = {
    "amount": _BEFORE_CONFIRMATION,
    "currency": _BEFORE_CONFIRMATION,
    "customer": _BEFORE_CONFIRMATION,
    "description": _EVER,
    "metadata": _EVER,
    "payment_method": _BEFORE_CONFIRMATION,
    "payment_method_types": _BEFORE_CONFIRMATION,
    "receipt_email": _UNTIL_RECEIPT,
    "shipping": _UNTIL_RECEIPT,
    "statement_descriptor": _BEFORE_CONFIRMATION,
    "statement_descriptor_suffix": _BEFORE_CONFIRMATION,
}
"""Field → the statuses in which it may be given."""


def update_payment_intent(
    *, write: Write, intent_id: uuid.UUID, changes: Mapping[str, Any]
) -> dict[str, Any]:
    """The intent as changed, canonical. Opens one transaction: the operation, the row, the answer.

    No event tells of it: as at Stripe, an intent's events are those of its life.

    Args:
        changes: any of CHANGEABLE, null where it is unset; `customer` is a public id. A value may be a function of
            the one held, called under the row's lock.

    Raises:
        UnknownParameter, UnknownCurrency, AmountTooSmall, AmountTooLarge, InvalidParameter: not acceptable.
        PaymentMethodNotFound, CustomerNotFound: it names what is not there, or another account's.
        PaymentIntentNotFound: no such intent in the account.
        FieldFixed: its status does not allow the change; nothing changed.
    """
    unknown = changes.keys() - CHANGEABLE.keys()
    if unknown:
        raise UnknownParameter(min(unknown))
    values = dict(changes)
    customer = values.pop("customer", None)
    customer_id = None if customer is None else customer_uuid(customer, param="customer")
    if "customer" in changes:
        values["customer_id"] = customer_id
    if "payment_method_types" in values:
        check_payment_method_types(values["payment_method_types"])
    if "currency" in values:
        values["currency"] = values["currency"].lower()
    with transaction.atomic(durable=True):
        write.operation.begin()
        row = lock_payment_intent(write.account_id, intent_id)
        _check_status(row, changes)
        if not values.keys().isdisjoint({"amount", "currency"}):
            check_amount(
                amount=values.get("amount", row.amount), currency=values.get("currency", row.currency)
            )
        if customer_id is not None and customer_id != row.customer_id:
            _check_customer(write.account_id, customer_id, customer)
        if "payment_method" in values:
            values |= _method_columns(
                row, values["payment_method"], values.get("customer_id", row.customer_id)
            )
            values["status"] = _status_with(row, values["payment_method"])
        apply_changes(row, values)
        result = payment_intent_object(row)
        write.operation.finish(result)
    return result


def _check_status(row: PaymentIntent, changes: Mapping[str, Any]) -> None:
    for name in changes:
        if row.status not in CHANGEABLE[name]:
            raise FieldFixed(
                field=name,
                statuses=[status.value for status in CHANGEABLE[name]],
                payment_intent=payment_intent_object(row),
            )


def _check_customer(account_id: uuid.UUID, customer_id: uuid.UUID, text: str) -> None:
    if not customers_of(account_id).filter(id=customer_id).exists():
        raise CustomerNotFound(text, param="customer")


def _method_columns(row: PaymentIntent, name: str | None, customer_id: uuid.UUID | None) -> dict[str, Any]:
    """What names the payment method in the intent's row; one that is new has been written."""
    if name is None:
        return {"payment_method": None, "method_id": None}
    chosen = choose_payment_method(row.account_id, name)
    chosen.require_customer(customer_id)
    assert chosen.behaviour is not None, "a name leads to a behaviour"
    if chosen.makes:
        PaymentMethod(id=chosen.method_id, account_id=row.account_id, behaviour=chosen.behaviour.id).save(
            force_insert=True
        )
    return {"payment_method": chosen.behaviour.id, "method_id": chosen.method_id}


def _status_with(row: PaymentIntent, payment_method: str | None) -> str:
    """Who has named a payment method has to confirm; who takes it back has to name another one."""
    if row.status not in (Status.REQUIRES_PAYMENT_METHOD, Status.REQUIRES_CONFIRMATION):
        return row.status
    given = payment_method is not None
    return (Status.REQUIRES_CONFIRMATION if given else Status.REQUIRES_PAYMENT_METHOD).value
