"""A new replay: what of which endpoint and when, then how much that is, then whether it shall be."""

from dataclasses import dataclass, replace
from datetime import timedelta

from django.http import HttpRequest, HttpResponse

from api.ops.changes import ASKED, Done, NotDone, Question, asked, written_down
from api.ops.pages import operations_page, render
from api.ops.roles import Role
from api.pages.filters import Filters
from api.pages.ranges import Range, read_range, shown
from dispatcher.config import dispatcher_settings
from dispatcher.errors import EndpointNotFound, ReplayRefused
from dispatcher.models import Endpoint
from dispatcher.replay_runs import Counted, ReplayRun, count_replay, start_replay
from dispatcher.replay_search import KINDS

PAGE = "/ops/replays/"
_NEW = "/ops/replays/new/"
DEFAULT_RATE = 20.0
_RATES = (1.0, 5.0, 20.0, 100.0, 500.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What was asked for, all of it readable."""

    endpoint: Endpoint
    only: str
    range: Range
    rate: float


@operations_page(least=Role.OPERATOR, methods=ASKED)
def new_replay_page(request: HttpRequest) -> HttpResponse:
    """GET asks and counts, POST begins what was counted; all that is asked for is in the URL."""
    filters = Filters(request.GET)
    endpoint_id = filters.id("endpoint", "we")
    only = filters.choice("only", list(KINDS)) or "failed"
    rate = float(filters.choice("rate", [f"{rate:g}" for rate in _RATES]) or DEFAULT_RATE)
    chosen = read_range(request.GET)
    filters.problems.update(chosen.problems)
    counting = "since" in request.GET or "range" in request.GET
    endpoint = None
    if endpoint_id is not None:
        endpoint = Endpoint.objects.filter(id=endpoint_id).first()
        if endpoint is None:
            filters.problems["endpoint"] = f"There is no endpoint {filters.given['endpoint']}."
    elif counting and "endpoint" not in filters.problems:
        filters.problems["endpoint"] = "Say which endpoint: we_…"
    around = {
        "filters": filters,
        "only": only,
        "rate": f"{rate:g}",
        "rates": [f"{each:g}" for each in _RATES],
        "range": chosen,
        "since": shown(chosen.since).removesuffix("Z"),
        "until": shown(chosen.until).removesuffix("Z"),
        "endpoint": endpoint,
    }
    if endpoint is None or filters.problems or not counting:
        context = {**around, "problems": filters.problems}
        return render(request, "ops/new_replay.html", context, current="replays", status=filters.status)
    wanted = _Wanted(endpoint=endpoint, only=only, range=_whole_seconds(chosen), rate=rate)
    try:
        counted = _counted(request, wanted)
    except (EndpointNotFound, ReplayRefused) as refusal:
        context = {**around, "problems": {"replay": str(refusal)}}
        return render(request, "ops/new_replay.html", context, current="replays", status=409)
    limit = dispatcher_settings().replay_limit
    context = {**around, "counted": counted, "above_limit": counted.found > limit, "limit": limit}
    if counted.nothing and request.method != "POST":
        return render(request, "ops/new_replay.html", context, current="replays")
    return asked(request, _question(wanted, counted), lambda: _start(request, wanted, limit), context=context)


def _whole_seconds(chosen: Range) -> Range:
    """As the form says it back: its end is the next second, so that nothing of this one is left out."""
    return replace(
        chosen,
        since=chosen.since.replace(microsecond=0),
        until=(chosen.until + timedelta(microseconds=999_999)).replace(microsecond=0),
        name=None,
    )


def _counted(request: HttpRequest, wanted: _Wanted) -> Counted:
    """What it comes to. A form that comes back says so itself, and what begins the replay counts anew."""
    if request.method == "POST":
        said = request.POST.get("counted", "")
        return Counted(found=int(said) if said.isdecimal() and len(said) < 10 else 0, more=False)
    return count_replay(
        owner=wanted.endpoint.owner,
        endpoint_id=wanted.endpoint.id,
        since=wanted.range.since,
        until=wanted.range.until,
        only=wanted.only,
    )


def _question(wanted: _Wanted, counted: Counted) -> Question:
    lasts = timedelta(seconds=counted.found / wanted.rate)
    endpoint = wanted.endpoint.public_id
    return Question(
        title="New replay",
        text=f"{counted} deliveries are made, {wanted.rate:g} a second, which takes {_about(lasts)}.",
        button=f"Replay {counted}",
        back=PAGE,
        purpose=f"replay.start:{endpoint}",
        fields=(
            ("counted", str(counted.found)),
            # What was counted is what is replayed: "until now" is a moment.
            ("counted_since", shown(wanted.range.since)),
            ("counted_until", shown(wanted.range.until)),
        ),
        template="ops/new_replay.html",
        current="replays",
    )


def _start(request: HttpRequest, wanted: _Wanted, limit: int) -> Done:
    endpoint = wanted.endpoint
    counted = request.POST.get("counted", "")
    since, until = request.POST.get("counted_since", ""), request.POST.get("counted_until", "")
    agreed = read_range({"since": since, "until": until})
    if not (counted.isdecimal() and since and until) or agreed.problems:
        raise NotDone("The form was changed on its way. Nothing was begun: look again, and confirm.")
    if int(counted) > limit and request.POST.get("agreed", "").replace(",", "").strip() != counted:
        raise NotDone(
            f"{int(counted):,} are more than the limit of {limit:,}: write the number to confirm it."
        )

    def write_down(run: ReplayRun) -> None:
        written_down(
            request,
            action="replay.started",
            subject=run.public_id,
            account=endpoint.owner,
            after={
                "endpoint": endpoint.public_id,
                "only": wanted.only,
                "since": shown(run.since),
                "until": shown(run.until),
                "rate": wanted.rate,
                "counted": str(run.counted),
            },
        )

    try:
        run = start_replay(
            owner=endpoint.owner,
            endpoint_id=endpoint.id,
            since=agreed.since,
            until=agreed.until,
            only=wanted.only,
            rate=wanted.rate,
            created_by=request.user.get_username(),
            confirmed_count=int(counted),
            on_write=write_down,
        )
    except (EndpointNotFound, ReplayRefused) as refusal:
        raise NotDone(str(refusal)) from None
    return Done("The replay has begun.", f"{PAGE}{run.public_id}/")


def _about(span: timedelta) -> str:
    seconds = span.total_seconds()
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    if seconds < 5_400:
        return f"about {round(seconds / 60)} min"
    return f"about {seconds / 3_600:.1f} h"
