"""Customers: creating, updating and deleting them."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from core.changes import apply_changes
from core.errors import CustomerNotFound, UnknownParameter
from core.events import record
from core.lookups import lock_customer
from core.models import Customer
from core.objects import customer_object, deleted_customer_object
from core.previous import previous_attributes
from core.sql import SQL, jsonb
from core.writes import Write
from outbox.database import execute
from outbox.identifiers import encode_id

FIELDS = frozenset({"name", "email", "description", "phone", "address", "shipping", "metadata"})


def create_customer(*, write: Write, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The new customer, canonical. Opens one transaction: the operation, the row, its event.

    Args:
        fields: any of FIELDS, of the right types already; absent ones are null, metadata empty.
    """
    _check_fields(fields)
    row = Customer(account_id=write.account_id, **{**fields, "metadata": fields.get("metadata") or {}})
    result = customer_object(row)
    with transaction.atomic(durable=True):
        write.operation.begin(result)
        execute(
            SQL["create_customer"],
            {
                "id": row.id,
                "account_id": row.account_id,
                "name": row.name,
                "email": row.email,
                "description": row.description,
                "phone": row.phone,
                "address": jsonb(row.address),
                "shipping": jsonb(row.shipping),
                "metadata": jsonb(row.metadata),
            },
        )
        record(write, "customer.created", result)
    return result


def update_customer(*, write: Write, customer_id: uuid.UUID, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The customer as changed, canonical. Opens one transaction: the operation, the row, its event, the answer.

    A change that changes nothing records no event.

    Args:
        changes: any of FIELDS; a value may be a function of the one held, called under the row's lock.

    Raises:
        CustomerNotFound: no such customer in the account, or it is deleted.
    """
    _check_fields(changes)
    with transaction.atomic(durable=True):
        write.operation.begin()
        row = lock_customer(write.account_id, customer_id)
        before = customer_object(row)
        if apply_changes(row, changes):
            result = customer_object(row)
            record(write, "customer.updated", result, previous=previous_attributes(before, result))
        else:
            result = before
        write.operation.finish(result)
    return result


def delete_customer(*, write: Write, customer_id: uuid.UUID) -> dict[str, Any]:
    """What is left of the customer. Opens one transaction: the row and its event.

    Payment intents keep the customer they were made for. The event has it as it was.

    Raises:
        CustomerNotFound: no such customer in the account, or it is deleted already.
    """
    with transaction.atomic(durable=True):
        deleted = list(
            Customer.objects.raw(SQL["delete_customer"], {"id": customer_id, "account_id": write.account_id})
        )
        if not deleted:
            raise CustomerNotFound(encode_id("cus", customer_id))
        record(write, "customer.deleted", customer_object(deleted[0]))
    return deleted_customer_object(deleted[0])


def _check_fields(fields: Mapping[str, Any]) -> None:
    unknown = fields.keys() - FIELDS
    if unknown:
        raise UnknownParameter(min(unknown))
