"""Objects by their ids, for whoever shows an object in the place of its id: one query a kind."""

import uuid
from collections.abc import Callable, Collection
from typing import Any

from core.ledger import transactions_of
from core.lookups import (
    charges_of,
    every_customer_of,
    payment_intents_of,
    payment_methods_of,
    refunds_of,
    setup_intents_of,
)
from core.method_objects import payment_method_object
from core.money_objects import balance_transaction_object, charge_object, refund_object
from core.objects import payment_intent_object, setup_intent_object, shown_customer
from outbox.errors import InvalidIdentifier
from outbox.identifiers import decode_id

Loaded = dict[str, dict[str, Any]]
Loader = Callable[[uuid.UUID, Collection[uuid.UUID]], list[dict[str, Any]]]


def _customers(account_id: uuid.UUID, ids: Collection[uuid.UUID]) -> list[dict[str, Any]]:
    """Deleted ones are told to be."""
    return [shown_customer(row) for row in every_customer_of(account_id).filter(id__in=ids)]


def _payment_intents(account_id: uuid.UUID, ids: Collection[uuid.UUID]) -> list[dict[str, Any]]:
    return [payment_intent_object(row) for row in payment_intents_of(account_id).filter(id__in=ids)]


def _payment_methods(account_id: uuid.UUID, ids: Collection[uuid.UUID]) -> list[dict[str, Any]]:
    return [payment_method_object(row) for row in payment_methods_of(account_id).filter(id__in=ids)]


def _charges(account_id: uuid.UUID, ids: Collection[uuid.UUID]) -> list[dict[str, Any]]:
    return [charge_object(row) for row in charges_of(account_id).filter(id__in=ids)]


def _refunds(account_id: uuid.UUID, ids: Collection[uuid.UUID]) -> list[dict[str, Any]]:
    return [refund_object(row, row.charge) for row in refunds_of(account_id).filter(id__in=ids)]


def _transactions(account_id: uuid.UUID, ids: Collection[uuid.UUID]) -> list[dict[str, Any]]:
    return [balance_transaction_object(row) for row in transactions_of(account_id).filter(id__in=ids)]


def _setup_intents(account_id: uuid.UUID, ids: Collection[uuid.UUID]) -> list[dict[str, Any]]:
    return [setup_intent_object(row) for row in setup_intents_of(account_id).filter(id__in=ids)]


LOADERS: dict[str, Loader] = {
    "ch": _charges,
    "cus": _customers,
    "pi": _payment_intents,
    "pm": _payment_methods,
    "re": _refunds,
    "seti": _setup_intents,
    "txn": _transactions,
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
