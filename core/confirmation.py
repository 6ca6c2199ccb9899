"""Confirming a payment intent: cards finish inside the call, bank debits when the bank has answered.

A card's confirmation is two transactions with the bank asked between them, under the operation's id as
the reference. Whoever dies on the way is followed by a retry of the same operation, which resumes, or
by the settlement once the lease is over; both ask the bank again and hear the same.
"""

import json
import uuid
from datetime import timedelta
from functools import cache
from typing import Any

from django.db import transaction

from core.bank import simulated_bank
from core.config import bank_settings, settlement_settings
from core.errors import CardDeclined, IllegalMove
from core.events import record
from core.lookups import get_payment_intent
from core.models import PaymentIntent
from core.objects import payment_intent_object
from core.payment_methods import DEFAULT_ID, PAYMENT_METHODS, PaymentMethod, resolve_payment_method
from core.settlement import apply_answer, payment_error
from core.sql import SQL
from core.states import MOVES, Move, Status
from core.writes import Write


def confirm_payment_intent(
    *, write: Write, intent_id: uuid.UUID, payment_method: str | None
) -> dict[str, Any]:
    """The confirmed intent, canonical. Opens one transaction for a bank debit, two for a card.

    Args:
        payment_method: None takes the intent's own, else a bank debit whose answer the bank draws.

    Raises:
        PaymentMethodNotFound: no such test payment method.
        PaymentIntentNotFound: no such intent in the account.
        IllegalMove: it is under way already, or at its end.
        CardDeclined: the bank refused the card; that is recorded, and stored as the operation's answer.
    """
    method = None if payment_method is None else resolve_payment_method(payment_method)
    with transaction.atomic(durable=True):
        write.operation.begin()
        intent = None if write.operation.resumed else _move_to_processing(write, intent_id, method)
        if intent is None:
            intent = _resume(write, intent_id)
        elif not _waits_for_card(intent):
            record(write, "payment_intent.processing", payment_intent_object(intent))
        refusal = None if _waits_for_card(intent) else _finish(write, intent)
    if _waits_for_card(intent):
        intent, refusal = _finish_card(write, intent)
    if refusal is not None:
        raise refusal
    return payment_intent_object(intent)


def _move_to_processing(
    write: Write, intent_id: uuid.UUID, method: PaymentMethod | None
) -> PaymentIntent | None:
    rule = MOVES[Move.CONFIRM]
    moved = PaymentIntent.objects.raw(
        SQL["confirm_payment_intent"],
        {
            "id": intent_id,
            "account_id": write.account_id,
            "sources": rule.source_names,
            "target": rule.target.value,
            "payment_method": None if method is None else method.id,
            "default_payment_method": DEFAULT_ID,
            "reference": write.operation.id,
            "settle_after": _settle_after(bank_settings().delay, settlement_settings().lease),
        },
    )
    return next(iter(moved), None)


@cache
def _settle_after(delay: timedelta, lease: timedelta) -> str:
    """Payment method → interval until settlement takes it up, as JSON: a card's only when its caller died."""
    return json.dumps(
        {
            method.id: f"{(lease if method.kind == 'card' else delay).total_seconds()} seconds"
            for method in PAYMENT_METHODS.values()
            if method.settles
        }
    )


def _resume(write: Write, intent_id: uuid.UUID) -> PaymentIntent:
    """The intent as an earlier try of this very operation left it.

    Raises:
        PaymentIntentNotFound, IllegalMove: it was not this operation that moved it.
    """
    intent = get_payment_intent(write.account_id, intent_id)
    if intent.bank_reference != write.operation.id:
        raise IllegalMove(move=Move.CONFIRM.value, payment_intent=payment_intent_object(intent))
    return intent


def _waits_for_card(intent: PaymentIntent) -> bool:
    if intent.status != Status.PROCESSING or intent.payment_method is None:
        return False
    return PAYMENT_METHODS[intent.payment_method].kind == "card"


def _finish_card(write: Write, intent: PaymentIntent) -> tuple[PaymentIntent, CardDeclined | None]:
    """Ask the bank with no transaction open, then settle and store the answer in one."""
    method = PAYMENT_METHODS[intent.payment_method or DEFAULT_ID]
    reference = write.operation.id
    answer = simulated_bank().authorize(
        reference=reference, amount=intent.amount, currency=intent.currency, payment_method=method
    )
    with transaction.atomic(durable=True):
        settled = apply_answer(
            write=write, intent_id=intent.id, reference=reference, answer=answer, payment_method=method
        )
        # None: the settlement was faster; its record is the truth, and has its event already.
        intent = settled or get_payment_intent(write.account_id, intent.id)
        error = None if answer.approved else payment_error(answer, method)
        return intent, _finish(write, intent, error)


def _finish(write: Write, intent: PaymentIntent, error: dict[str, Any] | None = None) -> CardDeclined | None:
    """Store the operation's answer in the open transaction; gives the refusal to raise after its commit."""
    error = error or intent.last_payment_error
    if error is None or error["type"] != "card_error":
        write.operation.finish(payment_intent_object(intent))
        return None
    refusal = CardDeclined(error, payment_intent=payment_intent_object(intent))
    write.operation.finish_error(refusal)
    return refusal
