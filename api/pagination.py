"""Stripe's lists: newest first, paged by the id of an object (`starting_after`, `ending_before`).

A page is found by its key, never by an offset, so it costs the same wherever it is, and objects that are
made meanwhile move nothing.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet

from api.errors import InvalidParameter, ResourceMissing
from outbox.identifiers import encode_id, floor_uuid

DEFAULT_LIMIT = 10
MAX_LIMIT = 100

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows, newest first, and whether there are more in the direction of travel."""

    rows: list[Row]
    has_more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where a page begins, and how long it is."""

    limit: int
    starting_after: uuid.UUID | None
    ending_before: uuid.UUID | None

    @classmethod
    def of(cls, query: Mapping[str, Any]) -> "Cursor":
        """Raises InvalidParameter where both directions are asked for."""
        after, before = query.get("starting_after"), query.get("ending_before")
        if after is not None and before is not None:
            raise InvalidParameter(
                "You may only specify one of these parameters: starting_after, ending_before.",
                code="parameters_exclusive",
                param="ending_before",
            )
        return cls(limit=query.get("limit", DEFAULT_LIMIT), starting_after=after, ending_before=before)


def page_of(
    rows: QuerySet[Row], cursor: Cursor, *, whole: QuerySet[Row], prefix: str, noun: str
) -> Page[Row]:
    """A page of `rows`, which are filtered from `whole`: all that the caller may see. At most two queries.

    Raises:
        ResourceMissing: the cursor is no object of `whole`.
    """
    if cursor.starting_after is not None:
        _require(whole, cursor.starting_after, prefix, noun, "starting_after")
        rows = rows.filter(id__lt=cursor.starting_after)
    if cursor.ending_before is not None:
        _require(whole, cursor.ending_before, prefix, noun, "ending_before")
        found = list(rows.filter(id__gt=cursor.ending_before).order_by("id")[: cursor.limit + 1])
        return Page(found[: cursor.limit][::-1], len(found) > cursor.limit)
    found = list(rows.order_by("-id")[: cursor.limit + 1])
    return Page(found[: cursor.limit], len(found) > cursor.limit)


def created_within(rows: QuerySet[Row], bounds: Mapping[str, int] | None) -> QuerySet[Row]:
    """`rows` made in a span of seconds: ids carry their time, so the bounds are a range of the key."""
    for bound, second in (bounds or {}).items():
        match bound:
            case "gte":
                rows = rows.filter(id__gte=floor_of_second(second))
            case "gt":
                rows = rows.filter(id__gte=floor_of_second(second + 1))
            case "lt":
                rows = rows.filter(id__lt=floor_of_second(second))
            case "lte":
                rows = rows.filter(id__lt=floor_of_second(second + 1))
    return rows


def list_object(objects: Iterable[Mapping[str, Any]], *, has_more: bool, path: str) -> dict[str, Any]:
    """The list envelope; `url` is the path without its trailing slash, as Stripe's SDKs page by it."""
    return {
        "object": "list",
        "data": list(objects),
        "has_more": has_more,
        "url": path.rstrip("/") if path.startswith("/v1/") else path,
    }


def _require(whole: QuerySet[Row], id: uuid.UUID, prefix: str, noun: str, param: str) -> None:
    if not whole.filter(id=id).exists():
        raise ResourceMissing(noun, encode_id(prefix, id), param=param)


def floor_of_second(second: int) -> uuid.UUID:
    """The least id of a second (Unix)."""
    return floor_uuid(datetime.fromtimestamp(min(second, 253_402_300_799), tz=UTC))
