"""Refunds: money of a charge given back, in whole or in parts.

The charge's row is locked before anything is decided, so refunds that come at once never give back more
than was captured; a check of the table holds that too.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from core.changes import apply_changes
from core.charges import locked_charge
from core.config import bank_settings
from core.currencies import shown_amount
from core.errors import InvalidParameter
from core.events import record
from core.ledger import post_failed_refund, post_refund
from core.lookups import get_payment_intent, get_refund
from core.method_objects import behaviour_of
from core.models import Charge, Refund
from core.money_errors import ChargeAlreadyRefunded, ChargeNotRefundable, RefundFinal, RefundTooLarge
from core.money_objects import charge_object, refund_object
from core.writes import Write
from outbox.identifiers import encode_id, new_uuid

REASONS = ("duplicate", "fraudulent", "requested_by_customer")


def create_refund(
    *,
    write: Write,
    charge_id: uuid.UUID | None,
    intent_id: uuid.UUID | None,
    amount: int | None,
    reason: str | None = None,
    metadata: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The new refund, canonical. Opens one transaction: operation, charge, refund, ledger, events, answer.

    Args:
        charge_id: the charge, or `intent_id` the payment intent whose latest charge it is.
        amount: in minor units; None gives back all that is left.

    Raises:
        ChargeNotFound, PaymentIntentNotFound: no such row in the account.
        ChargeNotRefundable: no money was taken.
        ChargeAlreadyRefunded: nothing is left.
        RefundTooLarge: less is left.
    """
    if reason is not None and reason not in REASONS:
        raise InvalidParameter(f"Invalid reason: must be one of {', '.join(REASONS)}", param="reason")
    with transaction.atomic(durable=True):
        write.operation.begin()
        charge = locked_charge(write.account_id, charge_id or _latest_charge(write, intent_id))
        given = _refundable(charge, amount)
        behaviour = behaviour_of(charge)
        charge.amount_refunded += given
        charge.save(update_fields=["amount_refunded"])
        row = Refund(
            account_id=charge.account_id,
            charge=charge,
            payment_intent_id=charge.payment_intent_id,
            amount=given,
            currency=charge.currency,
            status="pending" if behaviour.refund == "later" else "succeeded",
            settle_at=None if behaviour.refund == "at_once" else timezone.now() + bank_settings().delay,
            reason=reason,
            metadata=dict(metadata or {}),
            balance_transaction_id=new_uuid(),
        )
        row.save(force_insert=True)
        _post(row, charge)
        result = refund_object(row, charge)
        record(write, "refund.created", result)
        record(write, "charge.refunded", charge_object(charge))
        write.operation.finish(result)
    return result


def _latest_charge(write: Write, intent_id: uuid.UUID | None) -> uuid.UUID:
    assert intent_id is not None, "one of both was given"
    intent = get_payment_intent(write.account_id, intent_id)
    if intent.latest_charge_id is None:
        raise InvalidParameter(
            f"This PaymentIntent ({intent.public_id}) does not have a successful charge to refund.",
            param="payment_intent",
        )
    return intent.latest_charge_id


def _refundable(charge: Charge, amount: int | None) -> int:
    """How much is given back. Raises as `create_refund` does."""
    if not charge.captured or charge.status != "succeeded":
        status = charge.status if charge.status != "succeeded" else "not captured"
        raise ChargeNotRefundable(charge.public_id, status)
    left = charge.amount_captured - charge.amount_refunded
    if left == 0:
        raise ChargeAlreadyRefunded(charge.public_id)
    if amount is not None and amount > left:
        currency = charge.currency
        raise RefundTooLarge(asked=shown_amount(amount, currency), left=shown_amount(left, currency))
    return left if amount is None else amount


def _post(row: Refund, charge: Charge) -> None:
    assert row.balance_transaction_id is not None, "a refund that succeeds at once moves money at once"
    assert charge.balance_transaction_id is not None, "only captured money is given back"
    post_refund(
        id=row.balance_transaction_id,
        account_id=row.account_id,
        refund=encode_id("re", row.id),
        amount=row.amount,
        currency=row.currency,
        charged=charge.balance_transaction_id,
    )


def settle_next_refund() -> Refund | None:
    """The bank's last word on a refund for which it is due, with its event, in one transaction of its own.

    None where none is due that another process has not got in hand.
    """
    with transaction.atomic(durable=True):
        due = Refund.objects.filter(settle_at__lte=Now()).order_by("settle_at")
        row = due.select_for_update(skip_locked=True).first()
        if row is None:
            return None
        charge = locked_charge(row.account_id, row.charge_id)
        write = Write(account_id=row.account_id, owner=encode_id("acct", row.account_id))
        row.settle_at = None
        if behaviour_of(charge).refund == "refused":
            _fail(row, charge)
        else:
            row.status = "succeeded"
        row.save()
        told = "refund.failed" if row.status == "failed" else "refund.updated"
        record(write, told, refund_object(row, charge))
    return row


def _fail(row: Refund, charge: Charge) -> None:
    """The money is the merchant's again, and can be given back again."""
    row.status = "failed"
    row.failure_reason = "lost_or_stolen_card"
    row.failure_transaction_id = new_uuid()
    charge.amount_refunded -= row.amount
    charge.save(update_fields=["amount_refunded"])
    post_failed_refund(
        id=row.failure_transaction_id,
        account_id=row.account_id,
        refund=encode_id("re", row.id),
        amount=row.amount,
        currency=row.currency,
    )


def update_refund(*, write: Write, refund_id: uuid.UUID, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The refund with other metadata, canonical. Opens one transaction: operation, row, event, answer.

    Args:
        changes: its new metadata, as `apply_changes` takes it.

    Raises:
        RefundNotFound: no such refund in the account.
    """
    with transaction.atomic(durable=True):
        write.operation.begin()
        row = get_refund(write.account_id, refund_id, lock=True)
        apply_changes(row, changes)
        result = refund_object(row, row.charge)
        record(write, "refund.updated", result)
        write.operation.finish(result)
    return result


def cancel_refund(*, write: Write, refund_id: uuid.UUID) -> dict[str, Any]:
    """Always refused: only a refund that waits for its payer could be canceled, and none of ours does.

    Raises:
        RefundNotFound: no such refund in the account.
        RefundFinal: there is no canceling it.
    """
    row = get_refund(write.account_id, refund_id)
    raise RefundFinal(row.public_id, row.status)
