"""`expand[]`: ids of an answer replaced by the objects they name."""

import uuid
from collections.abc import Sequence
from typing import Any

from api.errors import InvalidParameter
from core.lookups import customers_of
from core.objects import customer_object
from outbox.identifiers import decode_id

# By kind of object, what can be expanded.
_EXPANDABLE = {"payment_intent": frozenset({"customer"})}


def check_expansions(names: Sequence[str], *, kind: str, listed: bool = False) -> None:
    """Names within a list begin with `data.`.

    Raises:
        InvalidParameter: a name leads to nothing that can be expanded.
    """
    for index, name in enumerate(names):
        bare = name.removeprefix("data.") if listed else name
        if (listed and bare == name) or bare not in _EXPANDABLE.get(kind, frozenset()):
            raise InvalidParameter(
                f"This property cannot be expanded ({name}).",
                code="parameter_invalid_expand",
                param=f"expand[{index}]",
            )


def expand(objects: Sequence[dict[str, Any]], names: Sequence[str], *, account_id: uuid.UUID) -> None:
    """Expand what was asked for, in place; one query a name. The names have been checked."""
    if any(name.removeprefix("data.") == "customer" for name in names):
        ids = {decode_id("cus", shown["customer"]) for shown in objects if shown["customer"] is not None}
        customers = {
            row.public_id: customer_object(row) for row in customers_of(account_id).filter(id__in=ids)
        }
        for shown in objects:
            shown["customer"] = customers.get(shown["customer"])
