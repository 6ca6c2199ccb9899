"""Lists of deliveries: the filters that their pages share, and what these find."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from api.pages.filters import Filters
from api.pages.ranges import Range, optional_range
from dispatcher.errors import SearchRefused
from dispatcher.failures import FailureCode
from dispatcher.listing import FoundDeliveries, find_deliveries
from dispatcher.models import DeliveryState

CODES = [code.value for code in FailureCode]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryList:
    """A page of what was asked for, and what its links keep of that."""

    found: FoundDeliveries
    range: Range | None
    asked: Mapping[str, str]  # the filters, and the range
    behind: bool  # it is not the newest page

    @property
    def kept(self) -> str:
        """For a link that goes on: `a=b&`; empty where nothing was asked for."""
        return f"{urlencode(self.asked)}&" if self.asked else ""

    @property
    def older(self) -> str | None:
        """The query of the next page."""
        cursor = self.found.next_cursor
        return cursor and urlencode({**self.asked, "cursor": cursor})


def list_by(query: Mapping[str, str], filters: Filters, *, size: int, **scope: Any) -> DeliveryList:
    """A page of deliveries by the state, failure code, range and cursor of a URL. Three statements.

    A filter that is wrong is left out, and told of in `filters`.

    Args:
        scope: what else `find_deliveries` takes, read before.
    """
    scope |= {
        "state": filters.choice("state", DeliveryState.values),
        "failure_code": filters.choice("code", CODES),
    }
    kept, asked_range = optional_range(query, filters)
    if asked_range is not None:
        scope |= {"created_from": asked_range.since, "created_to": asked_range.until}
    cursor = query.get("cursor") or None
    try:
        found = find_deliveries(**scope, limit=size, cursor=cursor)
    except SearchRefused as refusal:
        if refusal.field != "cursor":
            raise
        filters.problems["cursor"] = refusal.reason
        cursor, found = None, find_deliveries(**scope, limit=size)
    return DeliveryList(
        found=found, range=asked_range, asked={**filters.given, **kept}, behind=cursor is not None
    )
