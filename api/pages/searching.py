"""Long tables searched by what no index has: a window at a time, newest first, so that a page costs the same always."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from django.db.models import Model, Q, QuerySet

from api.pages.filters import Filters
from api.pages.paging import SIZE, slice_of
from outbox.identifiers import encode_id, moment_of

WINDOW = 5_000  # rows looked at for one page
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(Generic[Row]):
    """Some rows, and the queries of the pages on both sides, as api.pages.paging.Slice has them."""

    rows: list[Row]
    older: str | None
    newer: str | None
    searched_until: datetime | None = None  # where the window ended; None where all was looked at


def search(
    rows: QuerySet[Row],
    filters: Filters,
    *,
    prefix: str,
    narrowed: Q | None = None,
    kept: Mapping[str, Any] | None = None,
) -> Found[Row]:
    """A page of `rows`, which follow an index by their UUIDv7 keys, of those that `narrowed` leaves. Two statements.

    Args:
        filters: where the cursor is read from; links keep what else it has read.
        narrowed: what no index helps with. A page of it may be short though there is more: `searched_until`.
        kept: what else links keep, as the range.
    """
    if narrowed is None:
        page = slice_of(rows, filters, prefix=prefix, kept=kept)
        return Found(rows=page.rows, older=page.older, newer=page.newer)
    older = filters.id("older", prefix)
    around = {**filters.given, **(kept or {})}
    around.pop("older", None)
    if older is not None:
        rows = rows.filter(id__lt=older)
    end: uuid.UUID | None = rows.order_by("-id").values_list("id", flat=True)[WINDOW : WINDOW + 1].first()
    if end is not None:
        rows = rows.filter(id__gt=end)
    found = list(rows.filter(narrowed).order_by("-id")[: SIZE + 1])
    whole = len(found) <= SIZE
    last = end if whole else found[SIZE - 1].pk
    return Found(
        rows=found[:SIZE],
        older=None if last is None else urlencode({**around, "older": encode_id(prefix, last)}),
        newer=None if older is None else urlencode(around),
        searched_until=moment_of(end) if whole and end is not None else None,
    )
