"""The test payment methods, and what the simulated bank says to each.

Cards are answered while the caller waits, bank debits later. Names may be written as Stripe's test
tokens are: `pm_card_chargeDeclined`, `pm_card_visa_chargeDeclined` and `tok_chargeDeclined` are one. A
merchant who names one gets a payment method of his own (`core.wallets`), which behaves as it does.
"""

from dataclasses import dataclass, replace
from typing import Literal

from core.errors import PaymentMethodNotFound

Kind = Literal["card", "us_bank_account"]
# How a refund ends: in its creation, later, or with the bank's refusal later.
Refunding = Literal["at_once", "later", "refused"]


@dataclass(frozen=True, slots=True)
class Decline:
    """Why the bank refuses, in the fields of `last_payment_error`."""

    code: str
    decline_code: str | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What is printed on a test card."""

    brand: str
    number: str

    @property
    def last4(self) -> str:
        return self.number[-4:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How one test payment method behaves."""

    id: str
    kind: Kind
    card: Card | None = None
    decline: Decline | None = None
    drawn: bool = False  # the bank draws its answer at its success rate
    settles: bool = True  # False: stays in processing
    challenged: bool = False  # the bank wants the payer to authenticate first
    refund: Refunding = "at_once"
    attachable: bool = True  # False: the bank refuses it already when it is saved for a customer

    @property
    def is_card(self) -> bool:
        return self.kind == "card"


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

AUTHENTICATION_REQUIRED = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)


def _declining(suffix: str, number: str, decline: Decline, *, attachable: bool = False) -> Behaviour:
    card = Card(brand="visa", number=number)
    return Behaviour(id=f"pm_card_{suffix}", kind="card", card=card, decline=decline, attachable=attachable)


def _approved(suffix: str, brand: str, number: str) -> Behaviour:
    return Behaviour(id=f"pm_card_{suffix}", kind="card", card=Card(brand=brand, number=number))


_CARDS = (
    _approved("visa", "visa", "4242424242424242"),
    _approved("mastercard", "mastercard", "5555555555554444"),
    _approved("amex", "amex", "378282246310005"),
    _declining("chargeDeclined", "4000000000000002", _GENERIC),
    _declining("chargeDeclinedInsufficientFunds", "4000000000009995", _INSUFFICIENT),
    _declining(
        "chargeDeclinedLostCard", "4000000000009987", Decline("card_declined", "lost_card", _DECLINED)
    ),
    _declining(
        "chargeDeclinedStolenCard", "4000000000009979", Decline("card_declined", "stolen_card", _DECLINED)
    ),
    _declining(
        "chargeDeclinedExpiredCard",
        "4000000000000069",
        Decline("expired_card", None, "Your card has expired."),
    ),
    _declining(
        "chargeDeclinedIncorrectCvc",
        "4000000000000127",
        Decline("incorrect_cvc", None, "Your card's security code is incorrect."),
    ),
    _declining("chargeDeclinedProcessingError", "4000000000000119", _PROCESSING_ERROR),
    _declining("chargeDeclinedVelocityLimitExceeded", "4000000000006975", _VELOCITY),
    _declining("chargeCustomerFail", "4000000000000341", _GENERIC, attachable=True),
    Behaviour(
        id="pm_card_authenticationRequired",
        kind="card",
        card=Card(brand="visa", number="4000002760003184"),
        challenged=True,
    ),
    Behaviour(
        id="pm_card_pendingRefund",
        kind="card",
        card=Card(brand="visa", number="4000000000007726"),
        refund="later",
    ),
    Behaviour(
        id="pm_card_refundFail",
        kind="card",
        card=Card(brand="visa", number="4000000000005126"),
        refund="refused",
    ),
)

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

PAYMENT_METHODS: dict[str, Behaviour] = {
    method.id: method
    for method in (
        *_CARDS,
        *(
            Behaviour(id=f"pm_usBankAccount_{name}", kind="us_bank_account", decline=decline)
            for name, decline in _DEBITS.items()
        ),
        Behaviour(id="pm_usBankAccount_processing", kind="us_bank_account", settles=False),
        Behaviour(id=DEFAULT_ID, kind="us_bank_account", drawn=True),
    )
}
CHALLENGED = tuple(method.id for method in PAYMENT_METHODS.values() if method.challenged)
DEBITS = tuple(method.id for method in PAYMENT_METHODS.values() if not method.is_card)

_BY_NUMBER = {method.card.number: method for method in _CARDS if method.card is not None}


def resolve_payment_method(text: str, *, param: str = "payment_method") -> Behaviour:
    """Raises PaymentMethodNotFound with that `param`."""
    name = f"pm_card_{text.removeprefix('tok_')}" if text.startswith("tok_") else text
    found = PAYMENT_METHODS.get(name)
    if found is None and name.startswith("pm_card_visa_"):
        found = PAYMENT_METHODS.get(f"pm_card_{name.removeprefix('pm_card_visa_')}")
    if found is None:
        raise PaymentMethodNotFound(text, param=param)
    return found


def behaviour_of_number(number: str) -> Behaviour | None:
    """The test card of a number, None where no test card has it: real ones are never taken."""
    return _BY_NUMBER.get(number.replace(" ", "").replace("-", ""))


def unattended(method: Behaviour) -> Behaviour:
    """The method where no payer is there to authenticate: what would be challenged is declined."""
    return replace(method, decline=AUTHENTICATION_REQUIRED) if method.challenged else method
