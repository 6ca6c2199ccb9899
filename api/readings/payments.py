"""Payments as steps of a trace."""

import uuid
from collections.abc import Mapping, Sequence

from django.db.models import Value

from api.readings.steps import MoneyStep, PaymentStep
from core.models import Charge, PaymentIntent, Refund
from outbox.identifiers import encode_id, moment_of

MONEY = 20  # charges, and refunds, of all payments together

Money = Mapping[uuid.UUID, Sequence[MoneyStep]]


def money_of(payment_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[MoneyStep]]:
    """Charges and refunds by payment, oldest first. One statement."""
    columns = ("payment_intent_id", "id", "amount", "currency", "status", "kind")
    charges = Charge.objects.filter(payment_intent_id__in=payment_ids).annotate(kind=Value("ch"))
    refunds = Refund.objects.filter(payment_intent_id__in=payment_ids).annotate(kind=Value("re"))
    rows = (
        charges.order_by("id")
        .values_list(*columns)[:MONEY]
        .union(refunds.order_by("id").values_list(*columns)[:MONEY], all=True)
    )
    found: dict[uuid.UUID, list[MoneyStep]] = {}
    for payment_id, row_id, amount, currency, status, kind in sorted(rows, key=lambda row: row[1]):
        step = MoneyStep(
            id=encode_id(kind, row_id),
            kind="charge" if kind == "ch" else "refund",
            amount=amount,
            currency=currency,
            status=status,
            created_at=moment_of(row_id),
        )
        found.setdefault(payment_id, []).append(step)
    return found


def payment_step(row: PaymentIntent, money: Money) -> PaymentStep:
    steps = tuple(money.get(row.id, ()))
    return PaymentStep(
        id=encode_id("pi", row.id),
        amount=row.amount,
        currency=row.currency,
        status=row.status,
        created_at=row.created_at,
        customer=None if row.customer_id is None else encode_id("cus", row.customer_id),
        money=steps,
        more_money=len(steps) >= MONEY,
    )
