"""All deliveries: filtered, found by id, followed live."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone

from api.failure_catalogue import PATH
from api.ops.links import page_of
from api.ops.pages import operations_page, render
from api.pages.deliveries import CODES, list_by
from api.pages.filters import Filters
from api.readings.decisions import reason_words
from api.readings.identifying import NotTraceable, identify
from core.versions import EVENT_TYPES
from dispatcher.config import dispatcher_settings
from dispatcher.listing import ListedDelivery
from dispatcher.models import DeliveryState
from dispatcher.waiting import NextAttempt, next_attempt
from outbox.identifiers import encode_id

SIZE = 50


@dataclass(frozen=True, slots=True)
class Line:
    """A delivery in the list."""

    row: ListedDelivery
    max_attempts: int
    next: NextAttempt | None  # where one is waited for

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
    def attempts(self) -> str:
        """`3/13` while there may be more."""
        live, number = self.row.finished_at is None, self.row.attempts
        return f"{number}/{self.max_attempts}" if live and number <= self.max_attempts else str(number)

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
    account = filters.id("account", "acct")
    page = list_by(
        request.GET,
        filters,
        size=SIZE,
        owner=None if account is None else encode_id("acct", account),
        endpoint_id=filters.id("endpoint", "we"),
        event_type=filters.text("type"),
    )
    policy, now = dispatcher_settings().retry_policy, timezone.now()
    context = {
        "lines": [
            Line(row, policy.max_attempts, next_attempt(row, endpoint=row.endpoint, now=now))
            for row in page.found.rows
        ],
        "list": page,
        "filters": filters,
        "problems": filters.problems,
        "states": DeliveryState.values,
        "codes": CODES,
        "types": list(EVENT_TYPES),
        "range": page.range,
        "live": request.GET.get("live") == "1" and not page.behind,
        "catalogue": PATH,
        "now": now,
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
