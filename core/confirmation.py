"""Confirming a payment intent: cards finish inside the call, bank debits when the bank has answered.

A card's confirmation is two transactions with the bank asked between them, under the operation's id as
the reference. Whoever dies on the way is followed by a retry of the same operation, which resumes, or
by the settlement once the lease is over; both ask the bank again and hear the same. A card whose payer has
to authenticate waits for that before the bank is asked (`core.authentication`).
"""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from django.db import transaction

from core.charges import open_pending_charge
from core.config import bank_settings, settlement_settings
from core.errors import CardDeclined, IllegalMove
from core.events import record
from core.lookups import get_payment_intent
from core.models import PaymentIntent
from core.objects import payment_intent_object
from core.payment_methods import DEFAULT_ID, PAYMENT_METHODS, Behaviour
from core.settlement import DueSettlement, apply_answer, ask_bank, payment_error
from core.sql import SQL, jsonb
from core.states import MOVES, Move, Status
from core.wallets import Chosen, choose_payment_method
from core.writes import Write
from outbox.crash_points import reach
from outbox.identifiers import new_uuid
from outbox.tracing import current_trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a confirmation says beside the payment method; None leaves what the intent has."""

    off_session: bool = False  # no payer is there: who would have to authenticate is declined
    billing_details: Mapping[str, Any] | None = None  # of a payment method that is new with it
    capture_method: str | None = None
    setup_future_usage: str | None = None
    return_url: str | None = None
    receipt_email: str | None = None
    shipping: Mapping[str, Any] | None = None
    payment_method_options: Mapping[str, Any] | None = None


NO_TERMS = Terms()


def confirm_payment_intent(
    *, write: Write, intent_id: uuid.UUID, payment_method: str | None, terms: Terms = NO_TERMS
) -> dict[str, Any]:
    """The confirmed intent, canonical. Opens one transaction for a bank debit, two for a card.

    Args:
        payment_method: a test payment method or one of the account's; None takes the intent's own, else a
            bank debit whose answer the bank draws.

    Raises:
        PaymentMethodNotFound, PaymentMethodSpent, PaymentMethodOfAnotherCustomer: it cannot be paid with that.
        PaymentIntentNotFound: no such intent in the account.
        IllegalMove: it is under way already, or at its end.
        CardDeclined: the bank refused the card; that is recorded, and stored as the operation's answer.
    """
    chosen = choose_payment_method(write.account_id, payment_method, terms.billing_details)
    return confirm(write=write, find=lambda: intent_id, chosen=chosen, terms=terms)


def confirm(*, write: Write, find: Callable[[], uuid.UUID], chosen: Chosen, terms: Terms) -> dict[str, Any]:
    """As `confirm_payment_intent`. `find` gives the intent's id in the open first transaction, once it has begun;
    it may make the intent there.
    """
    with transaction.atomic(durable=True):
        write.operation.begin()
        intent_id = find()
        intent = None if write.operation.resumed else _move(write, intent_id, chosen, terms)
        if intent is None:
            intent = _resume(write, intent_id, chosen)
        elif not waits_for_card(intent):
            _tell(write, intent)
        refusal = None if waits_for_card(intent) else store_answer(write, intent)
    if waits_for_card(intent):
        reach("after_confirmation")
        intent, refusal = finish_card(write, intent)
    if refusal is not None:
        raise refusal
    return payment_intent_object(intent)


def _move(write: Write, intent_id: uuid.UUID, chosen: Chosen, terms: Terms) -> PaymentIntent | None:
    rule = MOVES[Move.CONFIRM]
    moved = PaymentIntent.objects.raw(
        SQL["confirm_payment_intent"],
        {
            "id": intent_id,
            "account_id": write.account_id,
            "sources": rule.source_names,
            "target": rule.target.value,
            "plans": _plans(bank_settings().delay, settlement_settings().lease, terms.off_session),
            "behaviour": None if chosen.behaviour is None else chosen.behaviour.id,
            "default_behaviour": DEFAULT_ID,
            "method_customer_id": chosen.customer_id,
            "reference": write.operation.id,
            "charge_id": new_uuid(),
            "off_session": terms.off_session,
            "traceparent": current_trace(),
            "return_url": terms.return_url,
            "capture_method": terms.capture_method,
            "setup_future_usage": terms.setup_future_usage,
            "receipt_email": terms.receipt_email,
            "shipping": jsonb(terms.shipping),
            "payment_method_options": jsonb(terms.payment_method_options),
            **chosen.columns,
        },
    )
    return next(iter(moved), None)


@cache
def _plans(delay: timedelta, lease: timedelta, off_session: bool) -> str:
    """Where each payment method takes an intent, and when settlement takes it up, as JSON.

    A card's settlement falls due only when its caller died.
    """
    return json.dumps(
        {method.id: _plan(method, delay, lease, off_session) for method in PAYMENT_METHODS.values()}
    )


def _plan(method: Behaviour, delay: timedelta, lease: timedelta, off_session: bool) -> dict[str, Any]:
    if method.challenged and not off_session:
        return {"status": MOVES[Move.CHALLENGE].target.value}
    plan: dict[str, Any] = {} if method.is_card else {"pending": True}
    if method.settles:
        plan["settle_after"] = f"{(lease if method.is_card else delay).total_seconds()} seconds"
    return plan


def _resume(write: Write, intent_id: uuid.UUID, chosen: Chosen) -> PaymentIntent:
    """The intent as an earlier try of this very operation left it.

    Raises:
        PaymentIntentNotFound, IllegalMove, PaymentMethodOfAnotherCustomer: it was not this operation that moved it.
    """
    intent = get_payment_intent(write.account_id, intent_id)
    if intent.bank_reference != write.operation.id:
        if Status(intent.status) in MOVES[Move.CONFIRM].sources:
            chosen.require_customer(intent.customer_id)
        raise IllegalMove(move=Move.CONFIRM.value, payment_intent=payment_intent_object(intent))
    return intent


def _tell(write: Write, intent: PaymentIntent) -> None:
    """The events of an intent that waits for the bank, or for its payer."""
    if intent.status == Status.REQUIRES_ACTION:
        record(write, "payment_intent.requires_action", payment_intent_object(intent))
        return
    record(write, "payment_intent.processing", payment_intent_object(intent))
    assert intent.payment_method is not None, "it was moved with one"
    open_pending_charge(write=write, intent=intent, behaviour=intent.payment_method)


def waits_for_card(intent: PaymentIntent) -> bool:
    if intent.status != Status.PROCESSING or intent.payment_method is None:
        return False
    return PAYMENT_METHODS[intent.payment_method].is_card


def finish_card(write: Write, intent: PaymentIntent) -> tuple[PaymentIntent, CardDeclined | None]:
    """Ask the bank with no transaction open, then settle and store the answer in one."""
    due = DueSettlement.of(intent)
    answer = ask_bank(due)
    with transaction.atomic(durable=True):
        settled = apply_answer(write=write, due=due, answer=answer)
        # None: the settlement was faster; its record is the truth, and has its events already.
        intent = settled or get_payment_intent(write.account_id, intent.id)
        error = None if answer.approved else payment_error(answer, due.behaviour, None, None)
        return intent, store_answer(write, intent, error)


def store_answer(
    write: Write, intent: PaymentIntent, error: dict[str, Any] | None = None
) -> CardDeclined | None:
    """Store the operation's answer in the open transaction; gives the refusal to raise after its commit.

    Args:
        error: what the bank said to this operation, where the intent may have gone on since.
    """
    error = intent.last_payment_error or error
    if error is None or error["type"] != "card_error":
        write.operation.finish(payment_intent_object(intent))
        return None
    refusal = CardDeclined(error, payment_intent=payment_intent_object(intent))
    write.operation.finish_error(refusal)
    return refusal
