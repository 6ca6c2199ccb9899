"""Charges: an attempt to take money, opened and closed beside its payment intent.

The intent's guarded update comes first in every transaction here, so its row lock orders all that happens to
its charges; a charge is written with the ledger's side of it, or not at all.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from core.bank import Answer
from core.changes import apply_changes
from core.events import record
from core.ledger import charge_posting
from core.models import Charge, PaymentIntent
from core.money_errors import ChargeNotFound
from core.money_objects import charge_object
from core.sql import SQL
from core.writes import Write
from outbox.identifiers import encode_id, new_uuid


def open_pending_charge(*, write: Write, intent: PaymentIntent, behaviour: str) -> Charge:
    """The charge of a bank debit that waits for its answer, and its event. Two statements, in the open transaction."""
    assert intent.latest_charge_id is not None, "the confirmation named its charge"
    row = _opened(
        id=intent.latest_charge_id,
        intent_id=intent.id,
        behaviour=behaviour,
        status="pending",
        captured=True,
        amount_captured=0,
    )
    record(write, "charge.pending", charge_object(row))
    return row


def write_charge(
    *, write: Write, intent: PaymentIntent, behaviour: str, answer: Answer, captured: bool, pending: bool
) -> Charge:
    """The bank's answer as a charge, the money of it in the ledger, and its event.

    Two statements, in the open transaction that moved the intent.

    Args:
        captured: the money is taken with the answer; else a card holds it.
        pending: the charge was opened before, and is closed now.
    """
    assert intent.latest_charge_id is not None, "the settlement named its charge"
    taken = captured and answer.approved
    facts: dict[str, Any] = {
        "id": intent.latest_charge_id,
        "status": "succeeded" if answer.approved else "failed",
        "captured": taken,
        "amount_captured": intent.amount if taken else 0,
        "failure_code": answer.code,
        "failure_message": answer.message,
        "decline_code": answer.decline_code,
        "balance_transaction_id": new_uuid() if taken else None,
    }
    row = _closed(**facts) if pending else _opened(intent_id=intent.id, behaviour=behaviour, **facts)
    record(write, "charge.succeeded" if answer.approved else "charge.failed", charge_object(row))
    return row


def capture_charge(*, write: Write, intent: PaymentIntent) -> Charge:
    """Take what was captured of the intent's held charge. Two statements, in the open transaction."""
    assert intent.latest_charge_id is not None, "only what a charge holds can be captured"
    row = _closed(
        id=intent.latest_charge_id,
        status="succeeded",
        captured=True,
        amount_captured=intent.amount_received,
        balance_transaction_id=new_uuid(),
    )
    record(write, "charge.captured", charge_object(row))
    return row


def update_charge(*, write: Write, charge_id: uuid.UUID, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changed charge, canonical. Opens one transaction: operation, row, event, answer.

    Args:
        changes: new values of some of its columns, as `apply_changes` takes them.

    Raises:
        ChargeNotFound: no such charge in the account.
    """
    with transaction.atomic(durable=True):
        write.operation.begin()
        row = locked_charge(write.account_id, charge_id)
        apply_changes(row, changes)
        result = charge_object(row)
        record(write, "charge.updated", result)
        write.operation.finish(result)
    return result


def locked_charge(account_id: uuid.UUID, charge_id: uuid.UUID) -> Charge:
    """One statement, in the open transaction, which holds the row until its end. Raises ChargeNotFound."""
    row = Charge.objects.select_for_update().filter(account_id=account_id, id=charge_id).first()
    if row is None:
        raise ChargeNotFound(encode_id("ch", charge_id))
    return row


_APPROVED = {
    "failure_code": None,
    "failure_message": None,
    "decline_code": None,
    "balance_transaction_id": None,
}


def _opened(*, intent_id: uuid.UUID, **facts: Any) -> Charge:
    parameters = {**_parameters(facts), "payment_intent_id": intent_id}
    return next(iter(Charge.objects.raw(SQL["open_charge"], parameters)))


def _closed(**facts: Any) -> Charge:
    return next(iter(Charge.objects.raw(SQL["close_charge"], _parameters(facts))))


def _parameters(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **_APPROVED,
        **facts,
        "source": encode_id("ch", facts["id"]),
        **charge_posting(facts["amount_captured"]),
    }
