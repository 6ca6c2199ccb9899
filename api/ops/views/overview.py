"""Is everything all right, and if not, where."""

from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse

from api.ops.pages import operations_page, render
from api.pages.charts import Column, Plot, Series, shares, sparkline, stacked_bars, time_axis, time_lines
from api.pages.ranges import read_range, shown
from api.templatetags.pages import milliseconds
from dispatcher.overview import COUNTED, overview
from dispatcher.rollups import Bucket, WorstEndpoint, failures_by_code, wait_quantile, worst_endpoints
from outbox.identifiers import encode_id

DELIVERIES = "/ops/deliveries/"
ATTEMPTS = (Series("succeeded", "ok"), Series("failed", "bad"))
LATENCY = (Series("p50", "busy"), Series("p95", "warn"))
_WORST = 8
_CODES = 8  # of failures, without being asked for the others


@operations_page()
def overview_page(request: HttpRequest) -> HttpResponse:
    """A sentence, six figures, and charts of the range; rollups are read, history is not."""
    chosen = read_range(request.GET)
    view = overview(since=chosen.since, until=chosen.until)
    parts = view.parts
    codes = failures_by_code(parts)
    attempts = view.ok + view.failed
    drawn = shares(
        [
            (code, count, f"{DELIVERIES}?{urlencode({'code': code})}&{chosen.query}")
            for code, count in codes.items()
        ]
    )
    context = {
        "view": view,
        "range": chosen,
        "problems": chosen.problems,
        "attempts": attempts,
        "failed_percent": 100 * view.failed / attempts if attempts else None,
        "wait_p50": wait_quantile(parts, 0.5),
        "wait_p95": wait_quantile(parts, 0.95),
        "codes": len(codes),
        "commonest": next(iter(codes.items()), None),
        "counted": COUNTED,
        "activity": attempts_plot(parts),
        "latency": _latency(parts),
        "shares": drawn[:_CODES],
        "other_shares": drawn[_CODES:],
        "worst": [
            (encode_id("we", one.endpoint_id), one, _spark(one))
            for one in worst_endpoints(since=chosen.since, until=chosen.until, limit=_WORST)
        ],
    }
    return render(
        request, "ops/overview.html", context, current="overview", status=400 if chosen.problems else 200
    )


def attempts_plot(parts: Sequence[Bucket], *, endpoint: str | None = None) -> Plot:
    """Attempts over time, failed ones on top; each bar leads to the deliveries of its span."""
    narrowed = {"endpoint": endpoint} if endpoint else {}
    columns = [
        Column(
            _label(part),
            (part.ok, part.failed),
            f"{DELIVERIES}?{urlencode({**narrowed, 'since': shown(part.begins_at), 'until': shown(part.ends_at)})}"
            if part.attempts
            else None,
        )
        for part in parts
    ]
    title = "Attempts that succeeded and that failed"
    return stacked_bars(id="attempts", title=title, series=ATTEMPTS, columns=columns, axis=_axis(parts))


def _latency(parts: Sequence[Bucket]) -> Plot:
    return time_lines(
        id="latency",
        title="From an event to its first attempt",
        series=LATENCY,
        labels=[_label(part) for part in parts],
        values=([part.wait_p50_ms for part in parts], [part.wait_p95_ms for part in parts]),
        axis=_axis(parts),
        tell=milliseconds,
    )


def _spark(one: WorstEndpoint) -> object:
    return sparkline([point.ok for point in one.series], [point.failed for point in one.series])


def _axis(parts: Sequence[Bucket]) -> tuple[str, str, str]:
    return time_axis(parts[0].begins_at, parts[-1].ends_at)


def _label(part: Bucket) -> str:
    begins, ends = part.begins_at.astimezone(UTC), part.ends_at.astimezone(UTC)
    return f"{begins:%d %b %H:%M}–{_end(begins, ends)}"


def _end(begins: datetime, ends: datetime) -> str:
    return f"{ends:%H:%M}" if begins.date() == ends.date() else f"{ends:%d %b %H:%M}"
