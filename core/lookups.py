"""Finding an account's objects. What belongs to another account is not found, in the same words."""

import hmac
import uuid
from collections.abc import Callable

from django.db.models import QuerySet

from core.errors import CustomerNotFound, NotFound, PaymentIntentNotFound, PaymentMethodNotFound
from core.models import (
    BalanceTransaction,
    Charge,
    Customer,
    PaymentIntent,
    PaymentMethod,
    Refund,
    SetupIntent,
)
from core.money_errors import BalanceTransactionNotFound, ChargeNotFound, RefundNotFound, SetupIntentNotFound
from outbox.errors import InvalidIdentifier
from outbox.identifiers import decode_id, encode_id


def every_customer_of(account_id: uuid.UUID) -> QuerySet[Customer]:
    """The deleted ones too, newest first."""
    return Customer.objects.filter(account_id=account_id).order_by("-id")


def customers_of(account_id: uuid.UUID) -> QuerySet[Customer]:
    """Newest first, without those that were deleted."""
    return every_customer_of(account_id).filter(deleted_at=None)


def get_customer(account_id: uuid.UUID, customer_id: uuid.UUID) -> Customer:
    """A customer, also a deleted one. Raises CustomerNotFound."""
    return _customer(every_customer_of(account_id), customer_id)


def get_live_customer(account_id: uuid.UUID, customer_id: uuid.UUID) -> Customer:
    """A customer that is not deleted. Raises CustomerNotFound."""
    return _customer(customers_of(account_id), customer_id)


def lock_customer(account_id: uuid.UUID, customer_id: uuid.UUID) -> Customer:
    """A customer that is not deleted, locked until the open transaction ends. Raises CustomerNotFound."""
    return _customer(customers_of(account_id).select_for_update(no_key=True), customer_id)


def _customer(rows: QuerySet[Customer], customer_id: uuid.UUID) -> Customer:
    row = rows.filter(id=customer_id).first()
    if row is None:
        raise CustomerNotFound(encode_id("cus", customer_id))
    return row


def customer_uuid(text: str, *, param: str = "id") -> uuid.UUID:
    """The UUID of `cus_…`. Raises CustomerNotFound: what is no id names no customer."""
    return uuid_of(text, prefix="cus", missing=CustomerNotFound, param=param)


def payment_intents_of(account_id: uuid.UUID) -> QuerySet[PaymentIntent]:
    """Newest first."""
    return PaymentIntent.objects.filter(account_id=account_id).order_by("-id")


def get_payment_intent(account_id: uuid.UUID, intent_id: uuid.UUID) -> PaymentIntent:
    """Raises PaymentIntentNotFound."""
    row = payment_intents_of(account_id).filter(id=intent_id).first()
    if row is None:
        raise PaymentIntentNotFound(encode_id("pi", intent_id))
    return row


def lock_payment_intent(account_id: uuid.UUID, intent_id: uuid.UUID) -> PaymentIntent:
    """An intent, locked until the open transaction ends. Raises PaymentIntentNotFound."""
    row = payment_intents_of(account_id).select_for_update(no_key=True).filter(id=intent_id).first()
    if row is None:
        raise PaymentIntentNotFound(encode_id("pi", intent_id))
    return row


def check_client_secret(row: PaymentIntent | SetupIntent, given: str) -> None:
    """Raises PaymentIntentNotFound or SetupIntentNotFound: whoever guesses learns not even that it exists."""
    if not hmac.compare_digest(row.client_secret.encode(), given.encode()):
        missing = PaymentIntentNotFound if isinstance(row, PaymentIntent) else SetupIntentNotFound
        raise missing(row.public_id)


def payment_intent_uuid(text: str, *, param: str = "intent") -> uuid.UUID:
    """The UUID of `pi_…`. Raises PaymentIntentNotFound: what is no id names no intent."""
    return uuid_of(text, prefix="pi", missing=PaymentIntentNotFound, param=param)


def payment_methods_of(account_id: uuid.UUID) -> QuerySet[PaymentMethod]:
    """Newest first."""
    return PaymentMethod.objects.filter(account_id=account_id).order_by("-id")


def get_payment_method(account_id: uuid.UUID, method_id: uuid.UUID, *, lock: bool = False) -> PaymentMethod:
    """`lock` holds the row until the open transaction ends. Raises PaymentMethodNotFound."""
    rows = payment_methods_of(account_id).filter(id=method_id)
    row = (rows.select_for_update() if lock else rows).first()
    if row is None:
        raise PaymentMethodNotFound(encode_id("pm", method_id))
    return row


def charges_of(account_id: uuid.UUID) -> QuerySet[Charge]:
    """Newest first."""
    return Charge.objects.filter(account_id=account_id).order_by("-id")


def get_charge(account_id: uuid.UUID, charge_id: uuid.UUID) -> Charge:
    """Raises ChargeNotFound."""
    row = charges_of(account_id).filter(id=charge_id).first()
    if row is None:
        raise ChargeNotFound(encode_id("ch", charge_id))
    return row


def refunds_of(account_id: uuid.UUID) -> QuerySet[Refund]:
    """Newest first, each with its charge, which is shown with it."""
    return Refund.objects.filter(account_id=account_id).select_related("charge").order_by("-id")


def get_refund(account_id: uuid.UUID, refund_id: uuid.UUID, *, lock: bool = False) -> Refund:
    """`lock` holds the row until the open transaction ends. Raises RefundNotFound."""
    rows = refunds_of(account_id).filter(id=refund_id)
    row = (rows.select_for_update(of=("self",)) if lock else rows).first()
    if row is None:
        raise RefundNotFound(encode_id("re", refund_id))
    return row


def get_balance_transaction(account_id: uuid.UUID, transaction_id: uuid.UUID) -> BalanceTransaction:
    """Raises BalanceTransactionNotFound."""
    row = BalanceTransaction.objects.filter(account_id=account_id, id=transaction_id).first()
    if row is None:
        raise BalanceTransactionNotFound(encode_id("txn", transaction_id))
    return row


def setup_intents_of(account_id: uuid.UUID) -> QuerySet[SetupIntent]:
    """Newest first."""
    return SetupIntent.objects.filter(account_id=account_id).order_by("-id")


def get_setup_intent(account_id: uuid.UUID, intent_id: uuid.UUID, *, lock: bool = False) -> SetupIntent:
    """`lock` holds the row until the open transaction ends. Raises SetupIntentNotFound."""
    rows = setup_intents_of(account_id).filter(id=intent_id)
    row = (rows.select_for_update() if lock else rows).first()
    if row is None:
        raise SetupIntentNotFound(encode_id("seti", intent_id))
    return row


def uuid_of(text: str, *, prefix: str, missing: Callable[..., NotFound], param: str = "id") -> uuid.UUID:
    """The UUID of a public id; what is no id of that kind names nothing, and raises `missing`."""
    try:
        return decode_id(prefix, text)
    except InvalidIdentifier:
        raise missing(text, param=param) from None
