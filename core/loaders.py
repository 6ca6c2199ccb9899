"""Many objects at once, by their ids: canonical, by public id, in one query each. Only the account's own are found."""

import uuid
from collections.abc import Collection
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

Objects = dict[str, dict[str, Any]]


def load_balance_transactions(account_id: uuid.UUID, ids: Collection[uuid.UUID]) -> Objects:
    rows = transactions_of(account_id).filter(id__in=ids)
    return {row.public_id: balance_transaction_object(row) for row in rows}


def load_charges(account_id: uuid.UUID, ids: Collection[uuid.UUID]) -> Objects:
    rows = charges_of(account_id).filter(id__in=ids)
    return {row.public_id: charge_object(row) for row in rows}


def load_customers(account_id: uuid.UUID, ids: Collection[uuid.UUID]) -> Objects:
    """Deleted ones are told to be."""
    rows = every_customer_of(account_id).filter(id__in=ids)
    return {row.public_id: shown_customer(row) for row in rows}


def load_payment_intents(account_id: uuid.UUID, ids: Collection[uuid.UUID]) -> Objects:
    rows = payment_intents_of(account_id).filter(id__in=ids)
    return {row.public_id: payment_intent_object(row) for row in rows}


def load_payment_methods(account_id: uuid.UUID, ids: Collection[uuid.UUID]) -> Objects:
    rows = payment_methods_of(account_id).filter(id__in=ids)
    return {row.public_id: payment_method_object(row) for row in rows}


def load_refunds(account_id: uuid.UUID, ids: Collection[uuid.UUID]) -> Objects:
    rows = refunds_of(account_id).filter(id__in=ids)
    return {row.public_id: refund_object(row, row.charge) for row in rows}


def load_setup_intents(account_id: uuid.UUID, ids: Collection[uuid.UUID]) -> Objects:
    rows = setup_intents_of(account_id).filter(id__in=ids)
    return {row.public_id: setup_intent_object(row) for row in rows}
