"""The ledger: every movement of a merchant's balance, in double entry.

A movement is one balance transaction with entries in two books or more. What one book gains others lose: the
entries sum to zero, and a merchant's balance is the sum of the transactions' net amounts.
"""

import uuid
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any

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


def charge_posting(amount: int) -> dict[str, Any]:
    """How a captured amount moves the balance: the merchant gains it less our fee. For the statements that write a
    charge, which write the movement with it.
    """
    fee = fee_of(amount)
    entries = _entries({Book.MERCHANT: amount - fee, Book.FEES: fee, Book.BANK: -amount})
    return {"fee": fee, "available_after": ledger_settings().available_after, **entries}


def post_refund(
    *, id: uuid.UUID, account_id: uuid.UUID, refund: str, amount: int, currency: str, charged: uuid.UUID
) -> None:
    """The merchant gives an amount back; our fee stays with us. Two statements, in the open transaction.

    Args:
        charged: the charge's transaction. What has not yet become available is given back from what is pending.
    """
    charges = BalanceTransaction.objects.filter(id=charged)
    _post(
        {Book.MERCHANT: -amount, Book.BANK: amount},
        id=id,
        account_id=account_id,
        type="refund",
        source=refund,
        amount=-amount,
        currency=currency,
        description="REFUND FOR CHARGE",
        available_at=charges.values_list("available_at", flat=True).first(),
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
        currency=currency,
        description="REFUND FAILURE",
        available_at=None,
    )


def _post(books: dict[Book, int], **columns: Any) -> None:
    execute(prepared("core.sql", "post_transaction"), {**columns, **_entries(books)})


def _entries(books: dict[Book, int]) -> dict[str, Any]:
    entries = {book.value: gained for book, gained in books.items() if gained}
    return {"books": list(entries), "amounts": list(entries.values())}


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
