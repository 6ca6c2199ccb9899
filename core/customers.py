"""Customers: creating them."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from core.errors import UnknownParameter
from core.events import record
from core.models import Customer
from core.objects import customer_object
from core.sql import SQL, jsonb
from core.writes import Write
from outbox.database import execute

FIELDS = frozenset({"name", "email", "description", "phone", "address", "shipping", "metadata"})


def create_customer(*, write: Write, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The new customer, canonical. Opens one transaction: the operation, the row, its event.

    Args:
        fields: any of FIELDS, of the right types already; absent ones are null, metadata empty.
    """
    unknown = fields.keys() - FIELDS
    if unknown:
        raise UnknownParameter(min(unknown))
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
