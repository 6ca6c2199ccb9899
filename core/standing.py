"""How settlement stands in the database: what metrics and `webhooks doctor` show."""

from dataclasses import dataclass

from core.sql import SQL
from outbox.database import fetch_all

# What is due is counted no further: what matters above is that it does not shrink.
COUNTED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DueReading:
    """What is due at one moment; the same whichever process asks."""

    oldest_payment: float  # seconds
    oldest_refund: float
    payments: int
    refunds: int


def read_due(*, counted: int = COUNTED) -> DueReading:
    """One statement, whose cost `counted` bounds. Joins the open transaction, where there is one."""
    ((oldest_payment, oldest_refund, payments, refunds),) = fetch_all(
        SQL["settlements_due"], {"most": counted}
    )
    return DueReading(
        oldest_payment=oldest_payment, oldest_refund=oldest_refund, payments=payments, refunds=refunds
    )
