"""Many objects at once, by their ids: canonical, by public id, in one query each. Only the account's own are found."""

import uuid
from collections.abc import Collection
from typing import Any

from core.lookups import every_customer_of, payment_intents_of
from core.objects import payment_intent_object, shown_customer

Objects = dict[str, dict[str, Any]]


def load_customers(account_id: uuid.UUID, ids: Collection[uuid.UUID]) -> Objects:
    """Deleted ones are told to be."""
    rows = every_customer_of(account_id).filter(id__in=ids)
    return {row.public_id: shown_customer(row) for row in rows}


def load_payment_intents(account_id: uuid.UUID, ids: Collection[uuid.UUID]) -> Objects:
    rows = payment_intents_of(account_id).filter(id__in=ids)
    return {row.public_id: payment_intent_object(row) for row in rows}
