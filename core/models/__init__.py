"""What merchants own. Rows are canonical: Stripe's statuses, amounts in minor units.

Ids are UUIDv7 made by us before the insert, so `created` needs no column.
"""

from core.models.money import BalanceTransaction, Charge, LedgerEntry, Refund
from core.models.parties import Account, ApiKey, Customer, Identified
from core.models.payments import BankAnswer, PaymentIntent, PaymentMethod, SetupIntent

__all__ = [
    "Account",
    "ApiKey",
    "BalanceTransaction",
    "BankAnswer",
    "Charge",
    "Customer",
    "Identified",
    "LedgerEntry",
    "PaymentIntent",
    "PaymentMethod",
    "Refund",
    "SetupIntent",
]
