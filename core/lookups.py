"""Finding an account's objects. What belongs to another account is not found, in the same words."""

import uuid

from django.db.models import QuerySet

from core.errors import CustomerNotFound, PaymentIntentNotFound
from core.models import Customer, PaymentIntent
from outbox.errors import InvalidIdentifier
from outbox.identifiers import decode_id, encode_id


def customers_of(account_id: uuid.UUID) -> QuerySet[Customer]:
    """Newest first."""
    return Customer.objects.filter(account_id=account_id).order_by("-id")


def get_customer(account_id: uuid.UUID, customer_id: uuid.UUID) -> Customer:
    """Raises CustomerNotFound."""
    row = customers_of(account_id).filter(id=customer_id).first()
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


def payment_intent_uuid(text: str, *, param: str = "intent") -> uuid.UUID:
    """The UUID of `pi_…`. Raises PaymentIntentNotFound: what is no id names no intent."""
    try:
        return decode_id("pi", text)
    except InvalidIdentifier:
        raise PaymentIntentNotFound(text, param=param) from None
