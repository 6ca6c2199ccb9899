"""What makes each event really happen: real objects, through the services that the API calls."""

import contextlib
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.authentication import authenticate_payment_intent
from core.charges import update_charge
from core.confirmation import Terms
from core.customers import create_customer, delete_customer, update_customer
from core.errors import CardDeclined
from core.payments import (
    cancel_payment_intent,
    capture_payment_intent,
    create_and_confirm,
    create_payment_intent,
)
from core.refunds import create_refund, update_refund
from core.setup_intents import cancel_setup_intent, create_setup_intent
from core.wallets import attach_payment_method, detach_payment_method, update_payment_method
from core.writes import Write
from outbox.identifiers import decode_id

_NOTE = "made by webhooks trigger"
_CHANGE = {"metadata": {"changed_by": "webhooks trigger"}}
PAYMENT = (
    "amount",
    "currency",
    "description",
    "metadata",
    "receipt_email",
    "statement_descriptor",
    "payment_method",
    "customer",
)
CUSTOMER = ("name", "email", "phone", "description", "metadata")
SETUP = ("description", "metadata", "payment_method", "customer")
REFUND = (*PAYMENT, "reason")
METHOD = ("payment_method",)
NUMBERS = frozenset({"amount"})
TAKEN: Mapping[str, tuple[str, ...]] = {
    "customers": CUSTOMER,
    "payments": PAYMENT,
    "refunds": REFUND,
    "payment methods": METHOD,
    "setup intents": SETUP,
}


@dataclass(slots=True)
class Stage:
    """An account, what was asked to be other than usual, and the ids of what was made."""

    account_id: uuid.UUID
    owner: str
    overrides: Mapping[str, Any] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)

    @property
    def write(self) -> Write:
        """A fresh one for each service: each is an operation of its own."""
        return Write(account_id=self.account_id, owner=self.owner)

    def fields(self, names: Sequence[str], **usual: Any) -> dict[str, Any]:
        chosen = {"description": _NOTE, **usual, **self.overrides}
        return {name: value for name, value in chosen.items() if name in names}

    def keep(self, thing: dict[str, Any]) -> dict[str, Any]:
        self.made.append(thing["id"])
        if thing.get("latest_charge"):
            self.made.append(thing["latest_charge"])
        return thing


@dataclass(frozen=True, slots=True)
class Scene:
    """How one event comes about."""

    play: Callable[[Stage], object]
    takes: tuple[str, ...]
    by_settlement: bool = False  # the last step is the bank's: a settlement process takes it


def _id(thing: Mapping[str, Any]) -> uuid.UUID:
    prefix = str(thing["id"]).partition("_")[0]
    return decode_id(prefix, thing["id"])


def _customer(stage: Stage) -> dict[str, Any]:
    return stage.keep(create_customer(write=stage.write, fields=stage.fields(CUSTOMER, name="Jenny Rosen")))


def _change_customer(stage: Stage) -> None:
    update_customer(write=stage.write, customer_id=_id(_customer(stage)), changes=_CHANGE)


def _delete_customer(stage: Stage) -> None:
    delete_customer(write=stage.write, customer_id=_id(_customer(stage)))


def _intent(stage: Stage) -> dict[str, Any]:
    fields = stage.fields(PAYMENT, amount=2000, currency="usd")
    return stage.keep(create_payment_intent(write=stage.write, fields=fields))


def _pay(stage: Stage, method: str, **usual: Any) -> dict[str, Any]:
    fields = stage.fields((*PAYMENT, *usual), amount=2000, currency="usd", payment_method=method, **usual)
    terms = Terms(capture_method=usual.get("capture_method"))
    return stage.keep(create_and_confirm(write=stage.write, fields=fields, terms=terms))


def _paid_with(method: str, **usual: Any) -> Callable[[Stage], object]:
    return lambda stage: _pay(stage, method, **usual)


def _decline(stage: Stage) -> None:
    with _kept_when_declined(stage):
        _pay(stage, "pm_card_chargeDeclined")


@contextlib.contextmanager
def _kept_when_declined(stage: Stage) -> Iterator[None]:
    """A refusal of the bank's is what was asked for; what it left behind is kept."""
    try:
        yield
    except CardDeclined as declined:
        stage.keep(dict(declined.payment_intent or declined.members["setup_intent"]))


def _cancel(stage: Stage) -> None:
    cancel_payment_intent(write=stage.write, intent_id=_id(_intent(stage)), reason="requested_by_customer")


def _capture(stage: Stage) -> None:
    held = _pay(stage, "pm_card_visa", capture_method="manual")
    capture_payment_intent(write=stage.write, intent_id=_id(held), amount=None)


def _change_charge(stage: Stage) -> None:
    paid = _pay(stage, "pm_card_visa")
    update_charge(write=stage.write, charge_id=decode_id("ch", paid["latest_charge"]), changes=_CHANGE)


def _refund(stage: Stage, method: str = "pm_card_visa") -> dict[str, Any]:
    paid = _pay(stage, method)
    reason = stage.overrides.get("reason", "requested_by_customer")
    return stage.keep(
        create_refund(write=stage.write, charge_id=None, intent_id=_id(paid), amount=None, reason=reason)
    )


def _change_refund(stage: Stage) -> None:
    update_refund(write=stage.write, refund_id=_id(_refund(stage)), changes=_CHANGE)


def _authenticate(stage: Stage) -> None:
    challenged = _pay(stage, "pm_card_authenticationRequired")
    authenticate_payment_intent(write=stage.write, intent_id=_id(challenged), passed=True)


def _attach(stage: Stage) -> dict[str, Any]:
    name = stage.overrides.get("payment_method", "pm_card_visa")
    return stage.keep(attach_payment_method(write=stage.write, name=name, customer_id=_id(_customer(stage))))


def _change_method(stage: Stage) -> None:
    update_payment_method(write=stage.write, method_id=_id(_attach(stage)), changes=_CHANGE)


def _detach(stage: Stage) -> None:
    detach_payment_method(write=stage.write, method_id=_id(_attach(stage)))


def _setup(stage: Stage, *, confirm: bool, **usual: Any) -> dict[str, Any]:
    fields = stage.fields(SETUP, **usual)
    return stage.keep(create_setup_intent(write=stage.write, fields=fields, confirm=confirm))


def _set_up_with(method: str) -> Callable[[Stage], object]:
    def play(stage: Stage) -> None:
        with _kept_when_declined(stage):
            _setup(stage, confirm=True, payment_method=method)

    return play


def _cancel_setup(stage: Stage) -> None:
    cancel_setup_intent(write=stage.write, intent_id=_id(_setup(stage, confirm=False)), reason="abandoned")


SCENES: Mapping[str, Scene] = {
    "customer.created": Scene(_customer, CUSTOMER),
    "customer.updated": Scene(_change_customer, CUSTOMER),
    "customer.deleted": Scene(_delete_customer, CUSTOMER),
    "payment_intent.created": Scene(_intent, PAYMENT),
    "payment_intent.processing": Scene(_paid_with("pm_usBankAccount_success"), PAYMENT),
    "payment_intent.succeeded": Scene(_paid_with("pm_card_visa"), PAYMENT),
    "payment_intent.payment_failed": Scene(_decline, PAYMENT),
    "payment_intent.canceled": Scene(_cancel, PAYMENT),
    "payment_intent.requires_action": Scene(_authenticate, PAYMENT),
    "payment_intent.amount_capturable_updated": Scene(
        _paid_with("pm_card_visa", capture_method="manual"), PAYMENT
    ),
    "charge.pending": Scene(_paid_with("pm_usBankAccount_success"), PAYMENT),
    "charge.succeeded": Scene(_paid_with("pm_card_visa"), PAYMENT),
    "charge.failed": Scene(_decline, PAYMENT),
    "charge.captured": Scene(_capture, PAYMENT),
    "charge.refunded": Scene(_refund, REFUND),
    "charge.updated": Scene(_change_charge, PAYMENT),
    "refund.created": Scene(_refund, REFUND),
    "refund.updated": Scene(_change_refund, REFUND),
    "refund.failed": Scene(lambda stage: _refund(stage, "pm_card_refundFail"), REFUND, by_settlement=True),
    "payment_method.attached": Scene(_attach, METHOD),
    "payment_method.updated": Scene(_change_method, METHOD),
    "payment_method.detached": Scene(_detach, METHOD),
    "setup_intent.created": Scene(lambda stage: _setup(stage, confirm=False), SETUP),
    "setup_intent.requires_action": Scene(_set_up_with("pm_card_authenticationRequired"), SETUP),
    "setup_intent.succeeded": Scene(_set_up_with("pm_card_visa"), SETUP),
    "setup_intent.setup_failed": Scene(_set_up_with("pm_card_chargeDeclined"), SETUP),
    "setup_intent.canceled": Scene(_cancel_setup, SETUP),
}
"""Each event of core.versions.EVENT_TYPES, but those that an endpoint brings about."""
