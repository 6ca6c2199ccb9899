"""Replays: what was asked for, how far each is, and a new one, which is counted before anybody confirms it."""

from typing import Any
from urllib.parse import urlencode

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from api.ops.changes import ASKED, Done, NotDone, Question, asked, written_down
from api.ops.pages import operations_page, render
from api.ops.roles import Role
from api.ops.subjects import page_about
from api.pages.filters import Filters
from api.pages.paging import SIZE
from api.readings.identifying import Named, NothingKnown
from dispatcher.errors import ReplayNotFound, ReplayRefused, ReplayStateRefused
from dispatcher.models import Endpoint, ReplayState
from dispatcher.replay_runs import (
    ReplayRun,
    cancel_replay,
    get_replay,
    list_replays,
    pause_replay,
    resume_replay,
)

PAGE = "/ops/replays/"
_CHANGES = {
    "pause": (pause_replay, "Pause", "replay.paused", "No more deliveries are made before it is resumed."),
    "resume": (resume_replay, "Resume", "replay.resumed", "It goes on where it stopped."),
    "cancel": (
        cancel_replay,
        "Cancel",
        "replay.cancelled",
        "No more deliveries are made, for good. Those it made stay, and go on by themselves.",
    ),
}


@operations_page()
def replays_page(request: HttpRequest) -> HttpResponse:
    """The list, newest first."""
    filters = Filters(request.GET)
    account, endpoint = filters.text("account"), filters.id("endpoint", "we")
    state = filters.choice("state", ReplayState.values)
    before = filters.id("older", "rpl")
    filters.given.pop("older", None)
    found = list_replays(owner=account, endpoint_id=endpoint, state=state, limit=SIZE + 1, before=before)
    rows = found[:SIZE]
    urls = _urls(rows)
    older = urlencode({**filters.given, "older": rows[-1].public_id}) if len(found) > SIZE else None
    context = {
        "rows": [(run, urls.get(run.endpoint_id)) for run in rows],
        "slice": {"older": older, "newer": urlencode(filters.given) or "newest=1" if before else None},
        "filters": filters,
        "problems": filters.problems,
        "states": ReplayState.values,
    }
    return render(request, "ops/replays.html", context, current="replays", status=filters.status)


@operations_page()
@page_about("rpl", current="replays")
def replay_page(request: HttpRequest, named: Named) -> HttpResponse:
    """One replay; it reloads its progress while it runs."""
    run = _run(named)
    context = {"run": run, "url": _urls([run]).get(run.endpoint_id)}
    return render(request, "ops/replay.html", context, current="replays")


@operations_page(least=Role.OPERATOR, methods=ASKED)
@page_about("rpl", current="replays")
def replay_change_page(request: HttpRequest, named: Named, change: str) -> HttpResponse:
    """Pause, resume or cancel it."""
    run = _run(named)
    act, verb, action, text = _CHANGES[change]
    question = Question(
        title=f"{verb} this replay?",
        text=text,
        button=verb,
        back=f"{PAGE}{named.text}/",
        purpose=f"replay.{change}:{named.text}",
        facts=(("Replay", named.text), ("State", run.state), ("Made so far", _progress(run))),
        dangerous=change == "cancel",
        current="replays",
    )

    def make() -> Done:
        try:
            with transaction.atomic():
                changed = act(replay_id=run.id)
                written_down(
                    request,
                    action=action,
                    subject=named.text,
                    account=run.owner,
                    before={"state": run.state, "made": run.made},
                    after={"state": changed.state, "made": changed.made},
                )
        except (ReplayStateRefused, ReplayRefused) as refusal:
            raise NotDone(str(refusal)) from None
        return Done(f"The replay is {changed.state}.")

    return asked(request, question, make)


def _run(named: Named) -> ReplayRun:
    try:
        return get_replay(replay_id=named.value)
    except ReplayNotFound:
        raise NothingKnown(named) from None


def _progress(run: ReplayRun) -> str:
    return f"{run.made:,}" if run.counted is None else f"{run.made:,} of {run.counted}"


def _urls(runs: list[ReplayRun] | Any) -> dict[Any, str]:
    """Where each goes; one statement."""
    ids = {run.endpoint_id for run in runs}
    return dict(Endpoint.objects.filter(id__in=ids).values_list("id", "url")) if ids else {}
