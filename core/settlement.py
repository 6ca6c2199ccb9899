"""Settlement: the bank's answer applied to the payment intent that waits for it.

Any number of processes may try, and any of them may die at any point: the lease only spares work, the
bank's memory makes the answer one, and the last write applies it once.
"""

import uuid
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from core.bank import Answer, simulated_bank
from core.config import settlement_settings
from core.events import record
from core.models import PaymentIntent
from core.objects import payment_intent_object
from core.payment_methods import PAYMENT_METHODS, PaymentMethod
from core.sql import SQL, jsonb
from core.states import MOVES, Move
from core.writes import Write
from outbox.database import fetch_all
from outbox.identifiers import encode_id


@dataclass(frozen=True, slots=True, kw_only=True)
class DueSettlement:
    """A payment intent whose answer is due, leased to this process."""

    intent_id: uuid.UUID
    account_id: uuid.UUID
    reference: uuid.UUID
    amount: int  # minor units
    currency: str
    payment_method: str  # its id, looked up when it is settled: one unknown here holds back no other

    @property
    def public_id(self) -> str:
        return encode_id("pi", self.intent_id)

    @property
    def owner(self) -> str:
        return encode_id("acct", self.account_id)


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
        )
        for intent_id, account_id, reference, amount, currency, payment_method in rows
    ]


def settle_payment(due: DueSettlement) -> PaymentIntent | None:
    """Ask the bank, then write the final state and its event in one transaction of its own.

    None where somebody else had settled this confirmation meanwhile: no second event is recorded.
    Refuses to run inside a transaction.
    """
    method = PAYMENT_METHODS[due.payment_method]
    answer = simulated_bank().authorize(
        reference=due.reference, amount=due.amount, currency=due.currency, payment_method=method
    )
    write = Write(account_id=due.account_id, owner=due.owner)
    with transaction.atomic(durable=True):
        return apply_answer(
            write=write,
            intent_id=due.intent_id,
            reference=due.reference,
            answer=answer,
            payment_method=method,
        )


def apply_answer(
    *,
    write: Write,
    intent_id: uuid.UUID,
    reference: uuid.UUID,
    answer: Answer,
    payment_method: PaymentMethod,
) -> PaymentIntent | None:
    """Final state and event, in the open transaction. Two statements.

    None, and no event, where the intent no longer waits for this reference.
    """
    rule = MOVES[Move.SUCCEED if answer.approved else Move.FAIL]
    error = None if answer.approved else payment_error(answer, payment_method)
    moved = list(
        PaymentIntent.objects.raw(
            SQL["settle_payment_intent"],
            {
                "id": intent_id,
                "reference": reference,
                "sources": rule.source_names,
                "target": rule.target.value,
                "approved": answer.approved,
                "last_payment_error": jsonb(error),
            },
        )
    )
    if not moved:
        return None
    event_type = "payment_intent.succeeded" if answer.approved else "payment_intent.payment_failed"
    record(write, event_type, payment_intent_object(moved[0]))
    return moved[0]


def payment_error(answer: Answer, payment_method: PaymentMethod) -> dict[str, Any]:
    """A refusal as an intent's `last_payment_error`."""
    return {
        "charge": None,
        "code": answer.code,
        "decline_code": answer.decline_code,
        "message": answer.message,
        "payment_method_type": payment_method.kind,
        "type": "card_error" if payment_method.kind == "card" else "invalid_request_error",
    }
