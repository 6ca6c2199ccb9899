"""Sending again what an endpoint failed to take, or was never sent: counted, confirmed, watched."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse

from api.errors import ApiError, InvalidParameter
from api.idempotency import in_steps
from api.pages.filters import Filters
from api.pages.ranges import read_range
from api.portal.changes import Fields, Question, ask, once, read_form, written_down
from api.portal.lookups import endpoint_named, endpoints_with, identified
from api.portal.pages import ASKED, Portal, portal_page, render, see
from dispatcher.errors import ReplayNotFound, ReplayRefused, ReplayStateRefused
from dispatcher.models import Endpoint
from dispatcher.replay_runs import (
    Counted,
    ReplayRun,
    cancel_replay,
    count_replay,
    get_replay,
    list_replays,
    pause_replay,
    resume_replay,
    start_replay,
)

_CURRENT = "replays"
_SIZE = 50
RATE = 20.0  # deliveries a second
# A page counts no further, and asks for a shorter time instead.
MOST = 25_000
KINDS = {
    "failed": "failed: every attempt, or it was cancelled when the endpoint was disabled",
    "missing": "never sent: it happened while the endpoint was disabled, or before it subscribed",
}
CHANGES = {"pause": pause_replay, "resume": resume_replay, "cancel": cancel_replay}
_DONE = {"pause": "paused", "resume": "resumed", "cancel": "cancelled"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be replayed."""

    only: str
    since: datetime
    until: datetime


@portal_page()
def replays_page(request: HttpRequest, portal: Portal) -> HttpResponse:
    """Newest first."""
    filters = Filters(request.GET.dict())
    before = filters.id("older", "rpl")
    found = list_replays(owner=portal.owner, limit=_SIZE + 1, before=before)
    rows = found[:_SIZE]
    endpoints = endpoints_with(portal, {row.endpoint_id for row in rows})
    shown = {
        "rows": [(row, endpoints.get(row.endpoint_id)) for row in rows],
        "older": f"older={rows[-1].public_id}" if len(found) > _SIZE else None,
        "problems": filters.problems,
        "first_page": before is None,
    }
    return render(request, portal, "portal/replays.html", shown, current=_CURRENT, status=filters.status)


@portal_page()
def replay_page(request: HttpRequest, portal: Portal, id: str) -> HttpResponse:
    """One replay: how far it is."""
    replay = _replay_named(portal, id)
    endpoint = endpoints_with(portal, {replay.endpoint_id}).get(replay.endpoint_id)
    shown = {"replay": replay, "endpoint": endpoint, "kind": KINDS[replay.only]}
    return render(request, portal, "portal/replay.html", shown, current=_CURRENT)


@portal_page(methods=ASKED)
def new_replay_page(request: HttpRequest, portal: Portal, id: str) -> HttpResponse:
    """First what is to be replayed, then its number, then the confirmation of that number."""
    endpoint = endpoint_named(portal, id)
    if request.method == "POST":
        return _start(request, portal, endpoint)
    filters = Filters(request.GET.dict())
    only = filters.choice("only", KINDS)
    span = read_range(request.GET.dict())
    problems = {**filters.problems, **span.problems}
    refused: str | None = None
    counted: Counted | None = None
    if only is not None and not problems:
        try:
            counted = count_replay(
                owner=portal.owner,
                endpoint_id=endpoint.id,
                since=span.since,
                until=span.until,
                only=only,
                cap=MOST,
            )
        except ReplayRefused as error:
            refused = error.reason
    if counted is not None and counted.found and not counted.more:
        return _confirm(
            request, portal, endpoint, counted, Wanted(only=only or "", since=span.since, until=span.until)
        )
    shown = {
        "endpoint": endpoint,
        "only": only,
        "kinds": KINDS.items(),
        "range": span,
        "problems": problems,
        "refused": refused,
        "counted": counted,
    }
    status = 400 if problems else 409 if refused else 200
    return render(request, portal, "portal/new_replay.html", shown, current=_CURRENT, status=status)


@portal_page(methods=ASKED)
def change_replay_page(request: HttpRequest, portal: Portal, id: str, change: str) -> HttpResponse:
    """Pause it, go on, or end it. The same again changes nothing."""
    replay = _replay_named(portal, id)
    question = Question(
        title=f"{change.capitalize()} this replay?",
        text={
            "pause": "No more deliveries are made for now; those of the next seconds are made already.",
            "resume": "It goes on where it stopped.",
            "cancel": "No more deliveries are made, for good. What was made already is sent.",
        }[change],
        button=change.capitalize(),
        facts=[("Replay", replay.public_id), ("Made so far", f"{replay.made:,}")],
        dangerous=change == "cancel",
        back=portal.path(f"replays/{replay.public_id}/"),
        current=_CURRENT,
    )
    if request.method != "POST":
        return ask(request, portal, question)
    read_form(request)
    try:
        with transaction.atomic():
            changed = CHANGES[change](replay_id=replay.id, owner=portal.owner)
            if changed.state != replay.state:
                written_down(
                    request,
                    portal,
                    action=f"replay.{_DONE[change]}",
                    subject=replay.public_id,
                    before={"state": str(replay.state)},
                    after={"state": str(changed.state)},
                )
    except (ReplayStateRefused, ReplayRefused) as error:
        return ask(request, portal, question, problem=str(error))
    return see(portal, f"replays/{replay.public_id}/")


def _confirm(
    request: HttpRequest, portal: Portal, endpoint: Endpoint, counted: Counted, wanted: Wanted
) -> HttpResponse:
    seconds = counted.found / RATE
    question = Question(
        title=f"Replay {counted.found:,} {'delivery' if counted.found == 1 else 'deliveries'}?",
        text=f"Each is sent as a new delivery with the same body, {RATE:g} a second, so it takes about "
        f"{'a moment' if seconds < 60 else f'{seconds / 60:.0f} minutes'}. You can pause it and cancel what is left.",
        button="Replay",
        facts=[
            ("Endpoint", endpoint.url),
            ("What", KINDS[wanted.only]),
            ("From", f"{wanted.since:%Y-%m-%d %H:%M:%S} UTC"),
            ("Until", f"{wanted.until:%Y-%m-%d %H:%M:%S} UTC"),
        ],
        back=portal.path(f"endpoints/{endpoint.public_id}/replay/"),
        current=_CURRENT,
        template="portal/confirm_replay.html",
    )
    hidden = {
        "only": wanted.only,
        # To the microsecond: what was counted is what is replayed.
        "since": wanted.since.isoformat(),
        "until": wanted.until.isoformat(),
        "count": str(counted.found),
    }
    return ask(request, portal, question, {"hidden": hidden.items()})


def _start(request: HttpRequest, portal: Portal, endpoint: Endpoint) -> HttpResponse:
    name, tree = read_form(request)
    given = {key: value for key, value in tree.items() if isinstance(value, str)}
    span = read_range(given)
    only, count = given.get("only", ""), given.get("count", "")
    if only not in KINDS or span.problems or not (count.isascii() and count.isdigit() and len(count) < 10):
        raise InvalidParameter(
            "This form is incomplete. Nothing was replayed: begin at the endpoint's page once more.",
            code="form_malformed",
            param="only",
        )

    def write_down(replay: ReplayRun) -> None:
        written_down(
            request,
            portal,
            action="replay.started",
            subject=replay.public_id,
            after={"endpoint": endpoint.public_id, "only": only, "count": int(count)},
        )

    def start() -> Fields:
        try:
            replay = start_replay(
                owner=portal.owner,
                endpoint_id=endpoint.id,
                since=span.since,
                until=span.until,
                only=only,
                rate=RATE,
                created_by=portal.session.actor,
                confirmed_count=int(count),
                on_write=write_down,
            )
        except ReplayRefused as error:
            raise ApiError(f"Not replayed: {error.field} {error.reason}.", status=409) from None
        return {"replay": replay.public_id}

    made = once(
        request,
        portal,
        form=name,
        fields={"only": only, "since": given.get("since"), "until": given.get("until")},
        run=lambda operation: in_steps(operation, start),
    )
    return see(portal, f"replays/{made['replay']}/")


def _replay_named(portal: Portal, text: str) -> ReplayRun:
    try:
        return get_replay(replay_id=identified(text, "rpl"), owner=portal.owner)
    except ReplayNotFound:
        raise Http404(f"There is no replay {text[:60]!r} in this account.") from None
