"""Endpoints of all accounts, and one of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse

from api.ops.pages import operations_page, render
from api.ops.roles import Role
from api.ops.subjects import page_about
from api.ops.views.overview import DELIVERIES, attempts_plot
from api.pages.charts import Spark, shares, sparkline
from api.pages.filters import Filters
from api.pages.paging import slice_of
from api.pages.ranges import read_range
from api.readings.endpoints import SPARKLINE, STATUSES, endpoints, how_it_does, reason_in_words
from api.readings.identifying import Named, NothingKnown
from dispatcher.deliveries import database_now
from dispatcher.endpoints import MAX_SECRET_OVERLAP
from dispatcher.health import EndpointHealth, endpoint_health
from dispatcher.history import newest_deliveries
from dispatcher.models import Endpoint
from dispatcher.replay_runs import Counted
from dispatcher.rollups import SeriesPoint, activity, failures_by_code, sparklines
from dispatcher.skips import count_skipped
from dispatcher.waiting import next_attempt, with_lanes

_RECENT = 8
# Skips are looked for so far back where nobody knows since when an endpoint was disabled.
MISSED_WITHIN = timedelta(days=30)


@operations_page()
def endpoints_page(request: HttpRequest) -> HttpResponse:
    """The list: newest first, by key; the failures of two days beside each."""
    filters = Filters(request.GET)
    rows = endpoints(
        account=filters.text("account"), status=filters.choice("status", STATUSES), url=filters.text("url")
    )
    page = slice_of(rows, filters, prefix="we")
    now = database_now()
    ids = [endpoint.id for endpoint in page.rows]
    health = endpoint_health(endpoint_ids=ids)
    series = sparklines(endpoint_ids=ids, since=now - SPARKLINE, until=now)
    shown = [_row(endpoint, health.get(endpoint.id), series[endpoint.id]) for endpoint in page.rows]
    context = {
        "rows": shown,
        "slice": page,
        "filters": filters,
        "problems": filters.problems,
        "statuses": STATUSES,
    }
    return render(request, "ops/endpoints.html", context, current="endpoints", status=filters.status)


@operations_page()
@page_about("we", current="endpoints")
def endpoint_page(request: HttpRequest, named: Named) -> HttpResponse:
    """One endpoint: how it does, what it is, and what can be done with it."""
    endpoint = endpoint_of(named)
    chosen = read_range(request.GET)
    health = endpoint_health(endpoint_ids=[endpoint.id]).get(endpoint.id)
    parts = activity(endpoint_id=endpoint.id, since=chosen.since, until=chosen.until)
    codes = failures_by_code(parts)
    ok, failed = sum(part.ok for part in parts), sum(part.failed for part in parts)
    now = database_now()
    sentence, tone = how_it_does(endpoint, health, now)
    deliveries = f"{DELIVERIES}?{urlencode({'endpoint': named.text})}"
    previous_until = endpoint.previous_secret_expires_at
    role: Role = request.role  # type: ignore[attr-defined]
    context = {
        "endpoint": endpoint,
        "id": named.text,
        "sentence": sentence,
        "tone": tone,
        "reason": reason_in_words(endpoint),
        "health": health,
        "range": chosen,
        "problems": chosen.problems,
        "attempts": ok + failed,
        "failed": failed,
        "failed_percent": 100 * failed / (ok + failed) if ok + failed else None,
        "activity": attempts_plot(parts, endpoint=named.text),
        "shares": shares(
            [
                (code, count, f"{deliveries}&{urlencode({'code': code})}&{chosen.query}")
                for code, count in codes.items()
            ]
        ),
        "recent": [
            (one, next_attempt(one, endpoint=endpoint, now=now))
            for one in newest_deliveries(endpoint_id=endpoint.id, limit=_RECENT)
        ],
        "deliveries": deliveries,
        "overlaps_until": previous_until if previous_until and previous_until > now else None,
        "longest_overlap": MAX_SECRET_OVERLAP,
        "sees_secrets": role >= Role.ADMIN,
        "missed": _missed(endpoint, now),
        "missed_since": (now - MISSED_WITHIN).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    status = 400 if chosen.problems else 200
    return render(request, "ops/endpoint.html", context, current="endpoints", status=status)


def endpoint_of(named: Named) -> Endpoint:
    """With its lane, whoever's it is and deleted or not. Raises NothingKnown."""
    endpoint = with_lanes(Endpoint.objects.filter(id=named.value)).first()
    if endpoint is None:
        raise NothingKnown(named)
    return endpoint


def _missed(endpoint: Endpoint, now: datetime) -> Counted | None:
    """What it was not sent while it was disabled; None where nothing is left to make up for."""
    if endpoint.deleted_at is not None:
        return None
    counted = count_skipped(endpoint_id=endpoint.id, since=now - MISSED_WITHIN)
    return counted if counted.found else None


def _row(
    endpoint: Endpoint, health: EndpointHealth | None, series: Sequence[SeriesPoint]
) -> dict[str, object]:
    ok, failed = sum(point.ok for point in series), sum(point.failed for point in series)
    spark: Spark = sparkline([point.ok for point in series], [point.failed for point in series])
    return {
        "id": endpoint.public_id,
        "endpoint": endpoint,
        "reason": reason_in_words(endpoint),
        "health": health,
        "spark": spark,
        "attempts": ok + failed,
        "failed": failed,
        "failed_percent": 100 * failed / (ok + failed) if ok + failed else None,
    }
