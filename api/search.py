"""Searching: the clauses of a query as conditions of the ORM, and pages found by key.

A search reads the account's rows from the newest on until its page is full; the time-out of statements bounds it.
"""

import hashlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import and_, or_
from typing import Any

from django.core.signing import BadSignature, Signer
from django.db.models import F, Func, Q, QuerySet, TextField, Value
from django.db.models.functions import Coalesce
from django.db.models.lookups import IContains

from api.errors import InvalidParameter
from api.pagination import DEFAULT_LIMIT, Page, Row, floor_of_second
from api.search_query import Clause, Operator, SearchQuery, parse_search, refused_query
from outbox.errors import InvalidIdentifier
from outbox.identifiers import decode_id

Condition = Callable[[Clause], Q]

LEAST_SUBSTRING = 3
_COMPARISONS = {
    Operator.EQUALS: "exact",
    Operator.GREATER: "gt",
    Operator.GREATER_OR_EQUAL: "gte",
    Operator.LESS: "lt",
    Operator.LESS_OR_EQUAL: "lte",
}
_LATEST = 253_402_300_799  # the last second of the year 9999, where Python's calendar ends


def search(
    rows: QuerySet[Row],
    fields: Mapping[str, Condition],
    *,
    query: Mapping[str, Any],
    scope: uuid.UUID,
    resource: str,
) -> tuple[Page[Row], str | None]:
    """A page of the rows that the query finds, newest first, and the name of the next page. One statement.

    Args:
        query: the validated parameters: `query`, `limit`, `page`.
        scope: the account, to which the pages belong.
        resource: plural, as messages name it.

    Raises:
        InvalidParameter: the query cannot be read or names what cannot be searched; the page is not one of it.
    """
    limit: int = query.get("limit", DEFAULT_LIMIT)
    rows = rows.filter(_conditions(parse_search(query["query"]), fields, resource))
    signer = _signer(f"{scope}:{resource}:{query['query']}")
    if "page" in query:
        rows = rows.filter(id__lt=_last_of(query["page"], signer))
    found = list(rows.order_by("-id")[: limit + 1])
    page = Page(found[:limit], len(found) > limit)
    return page, signer.sign_object(page.rows[-1].pk.hex) if page.has_more else None


def search_object(
    objects: Sequence[Mapping[str, Any]], *, next_page: str | None, path: str
) -> dict[str, Any]:
    """The envelope of a search."""
    return {
        "object": "search_result",
        "data": list(objects),
        "has_more": next_page is not None,
        "next_page": next_page,
        "url": path.rstrip("/") if path.startswith("/v1/") else path,
    }


def text_field(column: str) -> Condition:
    """Equal or containing, whatever the case; or null."""

    def condition(clause: Clause) -> Q:
        if clause.value is None:
            _permit(clause, Operator.EQUALS)
            return Q(**{f"{column}__isnull": True})
        _permit(clause, Operator.EQUALS, Operator.CONTAINS)
        lookup = "iexact" if clause.operator == Operator.EQUALS else "icontains"
        return Q(**{f"{column}__{lookup}": _text(clause)})

    return condition


def token_field(column: str) -> Condition:
    """Equal to a word of ours, which is in lower case."""

    def condition(clause: Clause) -> Q:
        _permit(clause, Operator.EQUALS)
        return Q(**{column: _text(clause).lower()})

    return condition


def reference_field(column: str, prefix: str) -> Condition:
    """The id of another object, or null. What is no id is held by no row."""

    def condition(clause: Clause) -> Q:
        _permit(clause, Operator.EQUALS)
        if clause.value is None:
            return Q(**{f"{column}__isnull": True})
        try:
            return Q(**{column: decode_id(prefix, _text(clause))})
        except InvalidIdentifier:
            return Q(pk__in=[])

    return condition


def number_field(column: str) -> Condition:
    """Compared as a number."""

    def condition(clause: Clause) -> Q:
        _permit(clause, *_COMPARISONS)
        return Q(**{f"{column}__{_COMPARISONS[clause.operator]}": _number(clause)})

    return condition


def created_field(clause: Clause) -> Q:
    """Unix seconds, compared: ids carry their time, so each is a bound of the key."""
    _permit(clause, *_COMPARISONS)
    second = max(-1, min(_number(clause), _LATEST))
    beginning, end = floor_of_second(max(0, second)), floor_of_second(max(0, second + 1))
    match clause.operator:
        case Operator.GREATER:
            return Q(id__gte=end)
        case Operator.GREATER_OR_EQUAL:
            return Q(id__gte=beginning)
        case Operator.LESS:
            return Q(id__lt=beginning)
        case Operator.LESS_OR_EQUAL:
            return Q(id__lt=end)
        case _:
            return Q(id__gte=beginning, id__lt=end)


def metadata_field(clause: Clause) -> Q:
    """`metadata["key"]`: equal, containing, or null where there is no such name."""
    if clause.key is None:
        raise refused_query('metadata needs a key: metadata["key"]:"value"')
    if clause.value is None:
        _permit(clause, Operator.EQUALS)
        return ~Q(metadata__has_key=clause.key)
    _permit(clause, Operator.EQUALS, Operator.CONTAINS)
    if clause.operator == Operator.EQUALS:
        return Q(metadata__contains={clause.key: _text(clause)})
    # Not Django's key transform: to it a key of digits is the index of an array.
    text = Func(
        F("metadata"), Value(clause.key), function="jsonb_extract_path_text", output_field=TextField()
    )
    held = Coalesce(text, Value(""), output_field=TextField())
    return Q(IContains(held, _text(clause)))


CUSTOMER_FIELDS: dict[str, Condition] = {
    "created": created_field,
    "email": text_field("email"),
    "metadata": metadata_field,
    "name": text_field("name"),
    "phone": text_field("phone"),
}
PAYMENT_INTENT_FIELDS: dict[str, Condition] = {
    "amount": number_field("amount"),
    "created": created_field,
    "currency": token_field("currency"),
    "customer": reference_field("customer_id", "cus"),
    "metadata": metadata_field,
    "status": token_field("status"),
}


def _conditions(query: SearchQuery, fields: Mapping[str, Condition], resource: str) -> Q:
    found: list[Q] = []
    for clause in query.clauses:
        condition = fields.get(clause.field)
        if condition is None or (clause.key is not None and clause.field != "metadata"):
            raise InvalidParameter(
                f"Field `{clause.field[:80]}` is an unsupported search field for resource `{resource}`; "
                f"there are: {', '.join(fields)}.",
                code="search_query_invalid",
                param="query",
            )
        held = condition(clause)
        found.append(~held if clause.negated else held)
    return reduce(or_ if query.any_of else and_, found)


def _permit(clause: Clause, *operators: Operator) -> None:
    if clause.operator not in operators:
        raise refused_query(
            f"{clause.field} cannot be searched with {clause.operator}; possible: {' '.join(operators)}"
        )


def _text(clause: Clause) -> str:
    if not isinstance(clause.value, str):
        raise refused_query(f"the value of {clause.field} must be a quoted string")
    if clause.operator == Operator.CONTAINS and len(clause.value) < LEAST_SUBSTRING:
        raise refused_query(f"a substring has at least {LEAST_SUBSTRING} characters")
    return clause.value


def _number(clause: Clause) -> int:
    value = clause.value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 15:
        return int(value)
    if not isinstance(value, int):
        raise refused_query(f"the value of {clause.field} must be a whole number")
    return value


def _signer(subject: str) -> Signer:
    """Of the pages of one search: the name of a page of another search is none of this one."""
    return Signer(salt=f"api.search:{hashlib.sha256(subject.encode()).hexdigest()}")


def _last_of(page: str, signer: Signer) -> uuid.UUID:
    try:
        return uuid.UUID(hex=signer.unsign_object(page))
    except (BadSignature, ValueError, TypeError):
        raise InvalidParameter(
            "Invalid page: it is not the `next_page` of this search.", code="parameter_invalid", param="page"
        ) from None
