"""The test payment methods, and what the simulated bank says to each.

Cards are answered while the caller waits, bank debits later. Names may be written as Stripe's test
tokens are: `pm_card_chargeDeclined`, `pm_card_visa_chargeDeclined` and `tok_chargeDeclined` are one.
"""

from dataclasses import dataclass
from typing import Literal

from core.errors import PaymentMethodNotFound

Kind = Literal["card", "us_bank_account"]


@dataclass(frozen=True, slots=True)
class Decline:
    """Why the bank refuses, in the fields of `last_payment_error`."""

    code: str
    decline_code: str | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentMethod:
    """One test payment method."""

    id: str
    kind: Kind
    decline: Decline | None = None
    drawn: bool = False  # the bank draws its answer at its success rate
    settles: bool = True  # False: stays in processing


DEFAULT_ID = "pm_usBankAccount"

_DECLINED = "Your card was declined."
_GENERIC = Decline("card_declined", "generic_decline", _DECLINED)
_INSUFFICIENT = Decline("card_declined", "insufficient_funds", "Your card has insufficient funds.")
_VELOCITY = Decline(
    "card_declined",
    "card_velocity_exceeded",
    "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
)
_PROCESSING_ERROR = Decline(
    "processing_error",
    None,
    "An error occurred while processing your card. Try again in a little bit.",
)

_CARDS: dict[str, Decline | None] = {
    "visa": None,
    "mastercard": None,
    "amex": None,
    "chargeDeclined": _GENERIC,
    "chargeDeclinedInsufficientFunds": _INSUFFICIENT,
    "chargeDeclinedLostCard": Decline("card_declined", "lost_card", _DECLINED),
    "chargeDeclinedStolenCard": Decline("card_declined", "stolen_card", _DECLINED),
    "chargeDeclinedExpiredCard": Decline("expired_card", None, "Your card has expired."),
    "chargeDeclinedIncorrectCvc": Decline("incorrect_cvc", None, "Your card's security code is incorrect."),
    "chargeDeclinedProcessingError": _PROCESSING_ERROR,
    "chargeDeclinedVelocityLimitExceeded": _VELOCITY,
}

# What the bank says when it draws a refusal.
DRAWN_DECLINE = Decline(
    "insufficient_funds",
    None,
    "The customer's account has insufficient funds to cover this payment.",
)
_DEBITS: dict[str, Decline | None] = {
    "success": None,
    "accountClosed": Decline("account_closed", None, "The customer's bank account has been closed."),
    "noAccount": Decline("no_account", None, "The customer's bank account could not be located."),
    "insufficientFunds": DRAWN_DECLINE,
    "debitNotAuthorized": Decline(
        "debit_not_authorized",
        None,
        "The customer has notified their bank that this payment was unauthorized.",
    ),
}

PAYMENT_METHODS: dict[str, PaymentMethod] = {
    method.id: method
    for method in (
        *(
            PaymentMethod(id=f"pm_card_{name}", kind="card", decline=decline)
            for name, decline in _CARDS.items()
        ),
        *(
            PaymentMethod(id=f"pm_usBankAccount_{name}", kind="us_bank_account", decline=decline)
            for name, decline in _DEBITS.items()
        ),
        PaymentMethod(id="pm_usBankAccount_processing", kind="us_bank_account", settles=False),
        PaymentMethod(id=DEFAULT_ID, kind="us_bank_account", drawn=True),
    )
}


def resolve_payment_method(text: str, *, param: str = "payment_method") -> PaymentMethod:
    """Raises PaymentMethodNotFound with that `param`."""
    name = f"pm_card_{text.removeprefix('tok_')}" if text.startswith("tok_") else text
    found = PAYMENT_METHODS.get(name)
    if found is None and name.startswith("pm_card_visa_"):
        found = PAYMENT_METHODS.get(f"pm_card_{name.removeprefix('pm_card_visa_')}")
    if found is None:
        raise PaymentMethodNotFound(text, param=param)
    return found
