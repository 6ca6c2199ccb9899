"""3-D Secure: the payer proves to the bank who he is, before the bank is asked for the money.

The page on which a person passes or fails it stands for the bank's own; tests decide without it.
"""

import uuid
from typing import Any

from django.db import transaction

from core.config import settlement_settings
from core.confirmation import finish_card, store_answer, waits_for_card
from core.errors import IllegalMove
from core.events import record
from core.lookups import get_payment_intent
from core.method_objects import refusal_object
from core.models import PaymentIntent, PaymentMethod
from core.objects import payment_intent_object
from core.sql import SQL, jsonb
from core.states import MOVES, Move
from core.writes import Write
from outbox.tracing import current_trace

_FAILED = (
    "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new "
    "PaymentMethod to attempt to fulfill this PaymentIntent again."
)


def authenticate_payment_intent(*, write: Write, intent_id: uuid.UUID, passed: bool) -> dict[str, Any]:
    """The intent after its payer passed or failed, canonical. Opens two transactions for who passed, one else.

    Raises:
        PaymentIntentNotFound: no such intent in the account.
        IllegalMove: it waits for no authentication.
        CardDeclined: the payer passed, and the bank refused the card.
    """
    return _pass(write, intent_id) if passed else _fail(write, intent_id)


def _pass(write: Write, intent_id: uuid.UUID) -> dict[str, Any]:
    with transaction.atomic(durable=True):
        write.operation.begin()
        intent = (
            None
            if write.operation.resumed
            else _move(
                write,
                intent_id,
                Move.AUTHENTICATE,
                "resume_challenged_intent",
                reference=write.operation.id,
                lease=settlement_settings().lease,
                traceparent=current_trace(),
            )
        )
        if intent is None:
            intent = _held(write, intent_id)
            if intent.bank_reference != write.operation.id:
                raise _illegal(intent)
        refusal = None if waits_for_card(intent) else store_answer(write, intent)
    if waits_for_card(intent):
        intent, refusal = finish_card(write, intent)
    if refusal is not None:
        raise refusal
    return payment_intent_object(intent)


def _fail(write: Write, intent_id: uuid.UUID) -> dict[str, Any]:
    with transaction.atomic(durable=True):
        write.operation.begin()
        held = _held(write, intent_id)
        error = refusal_object(
            type="invalid_request_error",
            kind="card",
            code="payment_intent_authentication_failure",
            message=_FAILED,
            method=None if held.method_id is None else PaymentMethod.objects.get(id=held.method_id),
        )
        intent = _move(
            write,
            intent_id,
            Move.FAIL_CHALLENGE,
            "refuse_challenged_intent",
            last_payment_error=jsonb(error),
        )
        if intent is None:
            raise _illegal(held)
        result = payment_intent_object(intent)
        record(write, "payment_intent.payment_failed", result)
        write.operation.finish(result)
    return result


def _held(write: Write, intent_id: uuid.UUID) -> PaymentIntent:
    return get_payment_intent(write.account_id, intent_id)


def _illegal(intent: PaymentIntent) -> IllegalMove:
    return IllegalMove(move=Move.AUTHENTICATE.value, payment_intent=payment_intent_object(intent))


def _move(
    write: Write, intent_id: uuid.UUID, move: Move, statement: str, **values: Any
) -> PaymentIntent | None:
    rule = MOVES[move]
    moved = PaymentIntent.objects.raw(
        SQL[statement],
        {
            "id": intent_id,
            "account_id": write.account_id,
            "sources": rule.source_names,
            "target": rule.target.value,
            **values,
        },
    )
    return next(iter(moved), None)
