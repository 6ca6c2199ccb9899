"""The ledger: every movement of a merchant's balance, in double entry.

A movement is one balance transaction with entries in two books or more. What one book gains others lose: the
entries sum to zero, and a merchant's balance is the sum of the transactions' net amounts.
"""

import uuid
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from django.db.models import QuerySet, Sum
from django.db.models.functions import Now

from core.config import ledger_settings
from core.models import BalanceTransaction
from outbox.database import execute
from outbox.sql import prepared


class Book(StrEnum):
    MERCHANT = "merchant"  # what we owe the merchant
    FEES = "fees"  # what we have earned
    BANK = "bank"  # the bank's side: it gains what it pays us, negated


def fee_of(amount: int) -> int:
    """Our fee for a charge, in the minor units of its currency: a percentage, rounded half up, and a fixed part.

    Never more than the charge.
    """
    rates = ledger_settings()
    share = (Decimal(amount) * rates.fee_percent / 100).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return min(int(share) + rates.fee_fixed, amount)


def post_charge(
    *, id: uuid.UUID, account_id: uuid.UUID, charge: str, amount: int, currency: str, description: str | None
) -> None:
    """The merchant gains a captured amount less our fee. One statement, in the open transaction."""
    fee = fee_of(amount)
    books = {Book.MERCHANT: amount - fee, Book.FEES: fee, Book.BANK: -amount}
    _post(
        books,
        id=id,
        account_id=account_id,
        type="charge",
        source=charge,
        amount=amount,
        fee=fee,
        currency=currency,
        description=description,
        available_after=ledger_settings().available_after,
    )


def post_refund(
    *,
    id: uuid.UUID,
    account_id: uuid.UUID,
    refund: str,
    amount: int,
    currency: str,
    charged: uuid.UUID,
) -> None:
    """The merchant gives an amount back; our fee stays with us. Two statements, in the open transaction.

    Args:
        charged: the charge's transaction. What has not yet become available is given back from what is pending.
    """
    available_at = (
        BalanceTransaction.objects.filter(id=charged).values_list("available_at", flat=True).first()
    )
    _post(
        {Book.MERCHANT: -amount, Book.BANK: amount},
        id=id,
        account_id=account_id,
        type="refund",
        source=refund,
        amount=-amount,
        fee=0,
        currency=currency,
        description="REFUND FOR CHARGE",
        available_at=available_at,
    )


def post_failed_refund(
    *, id: uuid.UUID, account_id: uuid.UUID, refund: str, amount: int, currency: str
) -> None:
    """The merchant gets back what a refund took. One statement, in the open transaction."""
    _post(
        {Book.MERCHANT: amount, Book.BANK: -amount},
        id=id,
        account_id=account_id,
        type="refund_failure",
        source=refund,
        amount=amount,
        fee=0,
        currency=currency,
        description="REFUND FAILURE",
    )


def _post(
    books: dict[Book, int],
    *,
    amount: int,
    fee: int,
    available_after: object = None,
    available_at: datetime | None = None,
    **columns: object,
) -> None:
    entries = {book.value: gained for book, gained in books.items() if gained}
    execute(
        prepared("core.sql", "post_transaction"),
        {
            **columns,
            "amount": amount,
            "fee": fee,
            "net": amount - fee,
            "available_after": available_after or "0 seconds",
            "available_at": available_at,
            "books": list(entries),
            "amounts": list(entries.values()),
        },
    )


def transactions_of(account_id: uuid.UUID) -> QuerySet[BalanceTransaction]:
    """Newest first."""
    return BalanceTransaction.objects.filter(account_id=account_id).order_by("-id")


def balances_of(account_id: uuid.UUID) -> dict[str, dict[str, int]]:
    """By currency, what is `available` and what is `pending`, in minor units. Two queries."""
    found: dict[str, dict[str, int]] = {}
    whole = BalanceTransaction.objects.filter(account_id=account_id)
    for name, rows in (
        ("available", whole.filter(available_at__lte=Now())),
        ("pending", whole.filter(available_at__gt=Now())),
    ):
        for currency, total in rows.values_list("currency").annotate(Sum("net")).order_by("currency"):
            found.setdefault(currency, {"available": 0, "pending": 0})[name] = total
    return found
