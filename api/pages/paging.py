"""Pages of long tables, newest first, by key: `?older=<id>` and `?newer=<id>`. A page costs the same wherever it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from django.db.models import Model, QuerySet

from api.pages.filters import Filters
from outbox.identifiers import encode_id

SIZE = 50
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice(Generic[Row]):
    """Some rows, and the queries of the pages on both sides; None where nothing is there."""

    rows: list[Row]
    older: str | None
    newer: str | None


def slice_of(
    rows: QuerySet[Row], filters: Filters, *, prefix: str, kept: Mapping[str, Any] | None = None
) -> Slice[Row]:
    """A page of `rows`, which have UUIDv7 keys. One query of at most a page and one row.

    Args:
        filters: where the cursor is read from; links keep what else it has read.
        kept: what else links keep, as the range.
    """
    around = {**filters.given, **(kept or {})}
    older, newer = filters.id("older", prefix), filters.id("newer", prefix)
    for name in ("older", "newer"):
        filters.given.pop(name, None)
    if newer is not None and older is None:
        found = list(rows.filter(id__gt=newer).order_by("id")[: SIZE + 1])
        more_newer, more_older = len(found) > SIZE, True
        page = found[:SIZE][::-1]
    else:
        if older is not None:
            rows = rows.filter(id__lt=older)
        found = list(rows.order_by("-id")[: SIZE + 1])
        more_newer, more_older = older is not None, len(found) > SIZE
        page = found[:SIZE]
    return Slice(
        rows=page,
        older=_link(around, "older", page[-1], prefix) if page and more_older else None,
        newer=_link(around, "newer", page[0], prefix) if page and more_newer else None,
    )


def _link(around: Mapping[str, Any], name: str, row: Model, prefix: str) -> str:
    return urlencode({**around, name: encode_id(prefix, row.pk)})
