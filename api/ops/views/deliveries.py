"""All deliveries: filtered, found by id, followed live."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone

from api.failure_catalogue import PATH
from api.ops.links import page_of
from api.ops.pages import operations_page, render
from api.ops.views.payments import optional_range
from api.pages.filters import Filters
from api.readings.decisions import reason_words
from api.readings.identifying import NotTraceable, identify
from core.versions import EVENT_TYPES
from dispatcher.config import dispatcher_settings
from dispatcher.errors import SearchRefused
from dispatcher.failures import FailureCode
from dispatcher.listing import FoundDeliveries, ListedDelivery, find_deliveries
from dispatcher.models import DeliveryState
from outbox.identifiers import encode_id

SIZE = 50
_CODES = [code.value for code in FailureCode]


@dataclass(frozen=True, slots=True)
class Line:
    """A delivery in the list."""

    row: ListedDelivery
    max_attempts: int

    @property
    def endpoint(self) -> str:
        return encode_id("we", self.row.endpoint_id)

    @property
    def event(self) -> str:
        return encode_id("evt", self.row.event_id)

    @property
    def receiver(self) -> str:
        """Host and path, short enough for a cell."""
        parts = urlsplit(self.row.endpoint_url or "")
        shown = f"{parts.netloc.rpartition('@')[2]}{parts.path}"
        return shown if len(shown) <= 34 else f"{shown[:33]}…"

    @property
    def reason(self) -> str | None:
        return None if self.row.reason is None else reason_words(self.row.reason)

    @property
    def last(self) -> bool:
        """Whether the attempt that is waited for is the last one."""
        return self.row.state == DeliveryState.PENDING and self.row.attempts + 1 >= self.max_attempts


@operations_page()
def deliveries_page(request: HttpRequest) -> HttpResponse:
    """Newest first. `?id=` leads to what it names; `?live=1` follows what comes."""
    filters = Filters(request.GET)
    if (leads_to := _exact(request, filters)) is not None:
        return HttpResponseRedirect(leads_to)
    found, kept = _found(request, filters)
    cursor = request.GET.get("cursor", "")
    kept_query = urlencode({**filters.given, **kept})
    policy = dispatcher_settings().retry_policy
    context = {
        "lines": [Line(row, policy.max_attempts) for row in found.rows],
        "found": found,
        "filters": filters,
        "problems": filters.problems,
        "states": DeliveryState.values,
        "codes": _CODES,
        "types": list(EVENT_TYPES),
        "range": optional_range(request, Filters({}))[1],
        "filtered": bool(filters.given or kept),
        "kept": kept_query and f"{kept_query}&",
        "older": found.next_cursor and urlencode({**filters.given, **kept, "cursor": found.next_cursor}),
        "behind": bool(cursor),
        "live": request.GET.get("live") == "1" and not cursor,
        "catalogue": PATH,
        "now": timezone.now(),
    }
    return render(request, "ops/deliveries.html", context, current="deliveries", status=filters.status)


def _exact(request: HttpRequest, filters: Filters) -> str | None:
    """The page of what `?id=` or `?event=` names; what is no id is a problem of the filter."""
    for name in ("id", "event"):
        text = request.GET.get(name, "").strip()
        if not text:
            continue
        try:
            return page_of(identify(text).text)
        except NotTraceable as problem:
            filters.problems[name] = problem.message
    return None


def _found(request: HttpRequest, filters: Filters) -> tuple[FoundDeliveries, dict[str, str]]:
    """Three statements. A filter that is wrong is left out, and told of."""
    account = filters.id("account", "acct")
    endpoint = filters.id("endpoint", "we")
    given: dict[str, Any] = {
        "owner": None if account is None else encode_id("acct", account),
        "endpoint_id": endpoint,
        "state": filters.choice("state", DeliveryState.values),
        "failure_code": filters.choice("code", _CODES),
        "event_type": filters.text("type"),
    }
    kept, shown_range = optional_range(request, filters)
    if shown_range is not None:
        given |= {"created_from": shown_range.since, "created_to": shown_range.until}
    cursor = request.GET.get("cursor") or None
    try:
        return find_deliveries(**given, limit=SIZE, cursor=cursor), kept
    except SearchRefused as refusal:
        if refusal.field != "cursor":
            raise
        filters.problems["cursor"] = refusal.reason
        return find_deliveries(**given, limit=SIZE), kept
