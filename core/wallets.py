"""Payment methods as merchants keep them: named, made, and saved for a customer.

Whoever names a test payment method (`pm_card_visa`, `tok_visa`) gets a payment method of his own, which behaves
as it does.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from core.changes import apply_changes
from core.errors import CardDeclined
from core.events import record
from core.lookups import get_live_customer, get_payment_method
from core.method_objects import payment_method_object
from core.models import PaymentMethod
from core.money_errors import (
    PaymentMethodAttached,
    PaymentMethodOfAnotherCustomer,
    PaymentMethodSpent,
    PaymentMethodUnattached,
)
from core.payment_methods import Behaviour, Decline, resolve_payment_method
from core.sql import jsonb
from core.writes import Write
from outbox.errors import InvalidIdentifier
from outbox.identifiers import decode_id, encode_id, new_uuid


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What a payment shall be made with."""

    behaviour: Behaviour | None = None  # None: what the payment has, else the default
    method_id: uuid.UUID = field(default_factory=new_uuid)
    makes: bool = True  # the row is new, and written with what uses it
    customer_id: uuid.UUID | None = None  # whom the row belongs to
    billing_details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def columns(self) -> dict[str, Any]:
        """For a statement that writes the row where it is new."""
        return {
            "method_id": self.method_id,
            "makes_method": self.makes,
            "billing_details": jsonb(dict(self.billing_details)),
        }

    def require_customer(self, customer_id: uuid.UUID | None) -> None:
        """Raises PaymentMethodOfAnotherCustomer."""
        if self.customer_id is not None and self.customer_id != customer_id:
            raise PaymentMethodOfAnotherCustomer(
                encode_id("pm", self.method_id), encode_id("cus", self.customer_id)
            )


def choose_payment_method(
    account_id: uuid.UUID, name: str | None, billing_details: Mapping[str, Any] | None = None
) -> Chosen:
    """One query where a row of the account's is named, else none.

    Args:
        name: of a test payment method, the id of a row, or None.

    Raises:
        PaymentMethodNotFound: neither the account nor the bank has it.
        PaymentMethodSpent: it was detached.
    """
    if name is None:
        return Chosen()
    method_id = method_uuid(name)
    if method_id is None:
        return Chosen(behaviour=resolve_payment_method(name), billing_details=billing_details or {})
    row = get_payment_method(account_id, method_id)
    if row.detached_at is not None:
        raise PaymentMethodSpent(row.public_id)
    return Chosen(
        behaviour=resolve_payment_method(row.behaviour),
        method_id=row.id,
        makes=False,
        customer_id=row.customer_id,
    )


def method_uuid(name: str) -> uuid.UUID | None:
    """The UUID of `pm_…`, None where the text is the name of a test payment method, or nothing."""
    try:
        return decode_id("pm", name)
    except InvalidIdentifier:
        return None


def create_payment_method(*, write: Write, behaviour: Behaviour, fields: Mapping[str, Any]) -> dict[str, Any]:
    """A new payment method of no customer, canonical. Opens one transaction: the operation and the row; no event.

    Args:
        fields: `exp_month`, `exp_year`, `billing_details`, `allow_redisplay`, `metadata`; absent ones as they are.
    """
    row = PaymentMethod(account_id=write.account_id, behaviour=behaviour.id, **fields)
    result = payment_method_object(row)
    with transaction.atomic(durable=True):
        write.operation.begin(result)
        row.save(force_insert=True)
    return result


def update_payment_method(
    *, write: Write, method_id: uuid.UUID, changes: Mapping[str, Any]
) -> dict[str, Any]:
    """The changed payment method, canonical. Opens one transaction: operation, row, event, answer.

    Args:
        changes: new values of some of its columns, as `apply_changes` takes them.

    Raises:
        PaymentMethodNotFound: no such payment method in the account.
    """
    with transaction.atomic(durable=True):
        write.operation.begin()
        row = _locked(write, method_id)
        apply_changes(row, changes)
        result = payment_method_object(row)
        record(write, "payment_method.updated", result)
        write.operation.finish(result)
    return result


def attach_payment_method(*, write: Write, name: str, customer_id: uuid.UUID) -> dict[str, Any]:
    """The payment method, saved for a customer. Opens one transaction: operation, row, event, answer.

    Args:
        name: of a row of the account's, or of a test payment method, which makes a new one.

    Raises:
        CustomerNotFound, PaymentMethodNotFound: no such row in the account.
        PaymentMethodSpent: it was detached before.
        PaymentMethodAttached: it is another customer's.
        CardDeclined: the bank refuses the card already now; nothing is kept of it.
    """
    method_id = method_uuid(name)
    named = resolve_payment_method(name) if method_id is None else None
    with transaction.atomic(durable=True):
        write.operation.begin()
        if named is not None or method_id is None:
            assert named is not None, "a name that is no id has been resolved"
            row = PaymentMethod(account_id=write.account_id, behaviour=named.id)
            row.save(force_insert=True)
        else:
            row = _locked(write, method_id)
        get_live_customer(write.account_id, customer_id)
        if row.detached_at is not None:
            raise PaymentMethodSpent(row.public_id)
        if row.customer_id not in (None, customer_id):
            raise PaymentMethodAttached
        refused = refusal_to_attach(resolve_payment_method(row.behaviour))
        if refused is not None:
            raise CardDeclined({**_words(refused), "payment_method": payment_method_object(row)})
        if row.customer_id is None:
            attach(write=write, row=row, customer_id=customer_id)
        result = payment_method_object(row)
        write.operation.finish(result)
    return result


def detach_payment_method(*, write: Write, method_id: uuid.UUID) -> dict[str, Any]:
    """The payment method, of no customer and of no use any more. Opens one transaction.

    Raises:
        PaymentMethodNotFound: no such payment method in the account.
        PaymentMethodUnattached: it has no customer.
    """
    with transaction.atomic(durable=True):
        write.operation.begin()
        row = _locked(write, method_id)
        if row.customer_id is None:
            raise PaymentMethodUnattached
        row.customer_id = None
        PaymentMethod.objects.filter(id=row.id).update(customer=None, detached_at=Now())
        result = payment_method_object(row)
        record(write, "payment_method.detached", result)
        write.operation.finish(result)
    return result


def attach(*, write: Write, row: PaymentMethod, customer_id: uuid.UUID) -> None:
    """Save a payment method of nobody for a customer, with its event. Two statements, in the open transaction.

    Nothing happens where somebody else was faster.
    """
    moved = PaymentMethod.objects.filter(id=row.id, customer=None, detached_at=None).update(
        customer_id=customer_id
    )
    if moved:
        row.customer_id = customer_id
        record(write, "payment_method.attached", payment_method_object(row))


def refusal_to_attach(behaviour: Behaviour) -> Decline | None:
    """Why the bank refuses to have a card saved, None where it does not."""
    return None if behaviour.attachable else behaviour.decline


def _words(decline: Decline) -> dict[str, Any]:
    return {"code": decline.code, "decline_code": decline.decline_code, "message": decline.message}


def _locked(write: Write, method_id: uuid.UUID) -> PaymentMethod:
    return get_payment_method(write.account_id, method_id, lock=True)
