"""Settlement: the bank's answer applied to the payment intent that waits for it.

Any number of processes may try, and any of them may die at any point: the lease only spares work, the
bank's memory makes the answer one, and the last write applies it once.
"""

import uuid
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from core.bank import Answer, simulated_bank
from core.charges import write_charge
from core.config import settlement_settings
from core.events import record
from core.method_objects import refusal_object
from core.models import PaymentIntent, PaymentMethod
from core.objects import payment_intent_object
from core.payment_methods import PAYMENT_METHODS, Behaviour, unattended
from core.sql import SQL, jsonb
from core.states import MOVES, Move, Status
from core.wallets import attach
from core.writes import Write
from outbox.crash_points import reach
from outbox.database import fetch_all
from outbox.identifiers import encode_id, new_uuid


@dataclass(frozen=True, slots=True, kw_only=True)
class DueSettlement:
    """A payment intent whose answer is due."""

    intent_id: uuid.UUID
    account_id: uuid.UUID
    reference: uuid.UUID
    amount: int  # minor units
    currency: str
    payment_method: str  # what the bank is asked with, looked up late: one unknown here holds back no other
    method_id: uuid.UUID | None
    charge_id: uuid.UUID | None  # the intent's latest; of a bank debit the one that is pending
    off_session: bool
    traceparent: str | None = None  # of the confirmation

    @classmethod
    def of(cls, intent: PaymentIntent) -> "DueSettlement":
        """Of an intent in processing."""
        assert intent.bank_reference is not None, "whoever waits for the bank has a reference"
        assert intent.payment_method is not None, "and something to pay with"
        return cls(
            intent_id=intent.id,
            account_id=intent.account_id,
            reference=intent.bank_reference,
            amount=intent.amount,
            currency=intent.currency,
            payment_method=intent.payment_method,
            method_id=intent.method_id,
            charge_id=intent.latest_charge_id,
            off_session=intent.off_session,
        )

    @property
    def public_id(self) -> str:
        return encode_id("pi", self.intent_id)

    @property
    def owner(self) -> str:
        return encode_id("acct", self.account_id)

    @property
    def behaviour(self) -> Behaviour:
        """Raises KeyError for one that the bank does not know any more."""
        found = PAYMENT_METHODS[self.payment_method]
        return unattended(found) if self.off_session else found


def lease_due_settlements(*, limit: int) -> list[DueSettlement]:
    """Up to `limit` due settlements, oldest first taken, for SETTLEMENT["LEASE"]. One statement, committed alone.

    What another process has under lease, or under lock, is passed over.
    """
    rows = fetch_all(SQL["lease_due_settlements"], {"limit": limit, "lease": settlement_settings().lease})
    return [
        DueSettlement(
            intent_id=intent_id,
            account_id=account_id,
            reference=reference,
            amount=amount,
            currency=currency,
            payment_method=payment_method,
            method_id=method_id,
            charge_id=charge_id,
            off_session=off_session,
            traceparent=traceparent,
        )
        for (
            intent_id,
            account_id,
            reference,
            amount,
            currency,
            payment_method,
            method_id,
            charge_id,
            off_session,
            traceparent,
        ) in rows
    ]


def settle_payment(due: DueSettlement) -> PaymentIntent | None:
    """Ask the bank, then write the final state, the charge and their events in one transaction of its own.

    None where somebody else had settled this confirmation meanwhile: no second event is recorded.
    Refuses to run inside a transaction.
    """
    answer = ask_bank(due)
    write = Write(account_id=due.account_id, owner=due.owner)
    with transaction.atomic(durable=True):
        intent = apply_answer(write=write, due=due, answer=answer)
    reach("after_settlement")
    return intent


def ask_bank(due: DueSettlement) -> Answer:
    """What the bank says, now and whenever it is asked again. Refuses to run inside a transaction."""
    answer = simulated_bank().authorize(
        reference=due.reference, amount=due.amount, currency=due.currency, payment_method=due.behaviour
    )
    reach("after_bank_answer")
    return answer


def apply_answer(*, write: Write, due: DueSettlement, answer: Answer) -> PaymentIntent | None:
    """The intent's next state, its charge, the ledger and the events, in the open transaction.

    Four statements, and more where a payment method is refused or kept for later.
    None, and nothing written, where the intent no longer waits for this reference.
    """
    behaviour = due.behaviour
    pending = not behaviour.is_card and due.charge_id is not None
    charge_id = due.charge_id if pending else new_uuid()
    assert charge_id is not None, "opened before, or new"
    rule = MOVES[Move.SUCCEED if answer.approved else Move.FAIL]
    error = None if answer.approved else payment_error(answer, behaviour, _method(due), charge_id)
    moved = list(
        PaymentIntent.objects.raw(
            SQL["settle_payment_intent"],
            {
                "id": due.intent_id,
                "reference": due.reference,
                "sources": rule.source_names,
                "target": rule.target.value,
                "approved": answer.approved,
                "holds": answer.approved and behaviour.is_card,
                "held": MOVES[Move.HOLD].target.value,
                "charge_id": charge_id,
                "last_payment_error": jsonb(error),
            },
        )
    )
    if not moved:
        return None
    intent = moved[0]
    captured = intent.status == Status.SUCCEEDED
    write_charge(
        write=write,
        intent=intent,
        behaviour=due.payment_method,
        answer=answer,
        captured=captured,
        pending=pending,
    )
    if answer.approved and intent.setup_future_usage is not None:
        _keep_method(write, intent)
    record(write, _EVENTS[Status(intent.status)], payment_intent_object(intent))
    reach("during_settlement")
    return intent


_EVENTS = {
    Status.SUCCEEDED: "payment_intent.succeeded",
    Status.REQUIRES_CAPTURE: "payment_intent.amount_capturable_updated",
    Status.REQUIRES_PAYMENT_METHOD: "payment_intent.payment_failed",
}


def _keep_method(write: Write, intent: PaymentIntent) -> None:
    """Save what was paid with for the customer, where there is one and it belongs to nobody."""
    if intent.customer_id is None or intent.method_id is None:
        return
    row = PaymentMethod.objects.get(id=intent.method_id)
    if row.customer_id is None:
        attach(write=write, row=row, customer_id=intent.customer_id)


def _method(due: DueSettlement) -> PaymentMethod | None:
    return PaymentMethod.objects.filter(id=due.method_id).first() if due.method_id else None


def payment_error(
    answer: Answer, behaviour: Behaviour, method: PaymentMethod | None, charge_id: uuid.UUID | None
) -> dict[str, Any]:
    """The bank's refusal as an intent's `last_payment_error`, with the method that was refused."""
    return refusal_object(
        type="card_error" if behaviour.is_card else "invalid_request_error",
        kind=behaviour.kind,
        code=answer.code,
        message=answer.message,
        decline_code=answer.decline_code,
        charge_id=charge_id,
        method=method,
    )
