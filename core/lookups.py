"""Finding an account's objects. What belongs to another account is not found, in the same words."""

import hmac
import uuid

from django.db.models import QuerySet

from core.errors import CustomerNotFound, PaymentIntentNotFound
from core.models import Customer, PaymentIntent
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
    try:
        return decode_id("cus", text)
    except InvalidIdentifier:
        raise CustomerNotFound(text, param=param) from None


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


def check_client_secret(row: PaymentIntent, given: str) -> None:
    """Raises PaymentIntentNotFound: whoever guesses learns not even that it exists."""
    if not hmac.compare_digest(row.client_secret.encode(), given.encode()):
        raise PaymentIntentNotFound(row.public_id)


def payment_intent_uuid(text: str, *, param: str = "intent") -> uuid.UUID:
    """The UUID of `pi_…`. Raises PaymentIntentNotFound: what is no id names no intent."""
    try:
        return decode_id("pi", text)
    except InvalidIdentifier:
        raise PaymentIntentNotFound(text, param=param) from None
