"""Objects by their ids, for whoever shows an object in the place of its id: one query a kind."""

import uuid
from collections.abc import Callable, Collection
from typing import Any

from core.lookups import every_customer_of, payment_intents_of
from core.objects import payment_intent_object, shown_customer
from outbox.errors import InvalidIdentifier
from outbox.identifiers import decode_id

Loaded = dict[str, dict[str, Any]]
Loader = Callable[[uuid.UUID, Collection[uuid.UUID]], list[dict[str, Any]]]


def _customers(account_id: uuid.UUID, ids: Collection[uuid.UUID]) -> list[dict[str, Any]]:
    """Deleted ones are told to be."""
    return [shown_customer(row) for row in every_customer_of(account_id).filter(id__in=ids)]


def _payment_intents(account_id: uuid.UUID, ids: Collection[uuid.UUID]) -> list[dict[str, Any]]:
    return [payment_intent_object(row) for row in payment_intents_of(account_id).filter(id__in=ids)]


LOADERS: dict[str, Loader] = {
    "cus": _customers,
    "pi": _payment_intents,
}
"""By the prefix of an id, how its objects are read."""


def load(account_id: uuid.UUID, public_ids: Collection[str]) -> Loaded:
    """The account's objects of these ids, canonical, by id; what is not there is left out. One query a prefix."""
    wanted: dict[str, set[uuid.UUID]] = {}
    for text in public_ids:
        prefix = text.partition("_")[0]
        if prefix in LOADERS:
            try:
                wanted.setdefault(prefix, set()).add(decode_id(prefix, text))
            except InvalidIdentifier:
                continue
    return {
        shown["id"]: shown for prefix, ids in wanted.items() for shown in LOADERS[prefix](account_id, ids)
    }
