"""What operators and admins do with an endpoint; each change is asked, made once and written down."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from api.ops.changes import ASKED, Done, NotDone, Question, asked, written_down
from api.ops.pages import operations_page, render
from api.ops.roles import Role
from api.ops.subjects import page_about
from api.ops.views.endpoints import endpoint_of
from api.readings.endpoints import reason_in_words
from api.readings.identifying import Named
from dispatcher.endpoints import roll_secret, send_test_event, update_endpoint
from dispatcher.errors import EndpointNotFound, SecretUndecryptable
from dispatcher.health import endpoint_health
from dispatcher.models import Endpoint, EndpointStatus
from dispatcher.sealing import unseal

_OVERLAPS = {
    "0": ("none: the old one is worthless at once", timedelta()),
    "1": ("1 hour", timedelta(hours=1)),
    "24": ("24 hours", timedelta(hours=24)),
}
_DELETED = "It was deleted meanwhile. Nothing was changed."


@operations_page(least=Role.OPERATOR, methods=ASKED)
@page_about("we", current="endpoints")
def disable_page(request: HttpRequest, named: Named) -> HttpResponse:
    """Nothing is sent there from then on."""
    endpoint = endpoint_of(named)
    if request.method != "POST" and endpoint.status == EndpointStatus.DISABLED:
        return _as_it_is(request, named, "It is disabled already.")
    health = endpoint_health(endpoint_ids=[endpoint.id]).get(endpoint.id)
    waiting = health.waiting if health else 0
    question = _question(
        named,
        title="Disable this endpoint?",
        text="Nothing more is sent there. What happens meanwhile is skipped, and what is due is cancelled; both can be "
        "replayed once it is enabled again.",
        button="Disable",
        purpose="endpoint.disable",
        facts=(*_facts(endpoint), ("Waiting for it now", f"{waiting:,} deliveries")),
        dangerous=True,
    )
    return asked(
        request,
        question,
        lambda: _set_status(request, endpoint, EndpointStatus.DISABLED, "The endpoint is disabled."),
    )


@operations_page(least=Role.OPERATOR, methods=ASKED)
@page_about("we", current="endpoints")
def enable_page(request: HttpRequest, named: Named) -> HttpResponse:
    """It is sent what happens from then on."""
    endpoint = endpoint_of(named)
    if request.method != "POST" and endpoint.status == EndpointStatus.ENABLED:
        return _as_it_is(request, named, "It is enabled already.")
    question = _question(
        named,
        title="Enable this endpoint?",
        text="It is sent what happens from now on. Its circuit is closed, and its failures are forgotten. What it "
        "missed is not sent by itself: its page offers to replay that.",
        button="Enable",
        purpose="endpoint.enable",
        facts=(*_facts(endpoint), ("Disabled", reason_in_words(endpoint) or "—")),
    )
    return asked(
        request,
        question,
        lambda: _set_status(request, endpoint, EndpointStatus.ENABLED, "The endpoint is enabled."),
    )


@operations_page(least=Role.OPERATOR, methods=ASKED)
@page_about("we", current="endpoints")
def send_test_page(request: HttpRequest, named: Named) -> HttpResponse:
    """An `endpoint.test` event for this endpoint alone."""
    endpoint = endpoint_of(named)
    question = _question(
        named,
        title="Send a test event?",
        text="An endpoint.test event is recorded and sent to this endpoint alone, also where it is disabled. Its "
        "failure counts for nothing.",
        button="Send",
        purpose="endpoint.test",
        facts=_facts(endpoint),
    )

    def act() -> Done:
        try:
            with transaction.atomic():
                delivery = send_test_event(owner=endpoint.owner, endpoint_id=endpoint.id)
                written_down(
                    request,
                    action="endpoint.tested",
                    subject=named.text,
                    account=endpoint.owner,
                    after={"delivery": delivery.public_id},
                )
        except EndpointNotFound:
            raise NotDone(_DELETED) from None
        return Done("The test event is on its way.", f"/ops/deliveries/{delivery.public_id}/")

    return asked(request, question, act)


@operations_page(least=Role.ADMIN, methods=ASKED)
@page_about("we", current="endpoints")
def reveal_secret_page(request: HttpRequest, named: Named) -> HttpResponse:
    """The signing secret, shown by this answer alone."""
    endpoint = endpoint_of(named)
    question = _question(
        named,
        title="Reveal the signing secret?",
        text="Whoever has it can sign events that this endpoint believes. It is shown once, and the audit log says "
        "that you saw it.",
        button="Reveal",
        purpose="endpoint.reveal",
        facts=_facts(endpoint),
    )

    def act() -> HttpResponse:
        try:
            secret = unseal(endpoint.secret)
        except SecretUndecryptable:
            raise NotDone(
                "No key of WEBHOOK_SECRET_KEYS opens it: add the key that sealed it, or roll the secret."
            ) from None
        written_down(request, action="endpoint.secret_revealed", subject=named.text, account=endpoint.owner)
        return _shown_once(request, named, endpoint, secret, title="The signing secret")

    return asked(request, question, act)


@operations_page(least=Role.ADMIN, methods=ASKED)
@page_about("we", current="endpoints")
def roll_secret_page(request: HttpRequest, named: Named) -> HttpResponse:
    """A new signing secret, shown by this answer alone; the old one signs too for a while."""
    endpoint = endpoint_of(named)
    question = _question(
        named,
        title="Roll the signing secret?",
        text="A new secret is made and shown once. During the overlap every request carries the signatures of both, so "
        "that the receiver can be given the new one without a gap.",
        button="Roll",
        purpose="endpoint.roll",
        facts=_facts(endpoint),
        template="ops/roll_secret.html",
        dangerous=True,
    )

    def act() -> HttpResponse:
        chosen = request.POST.get("overlap", "")
        if chosen not in _OVERLAPS:
            raise NotDone("Choose for how long the old secret signs too.")
        words, overlap = _OVERLAPS[chosen]
        try:
            with transaction.atomic():
                rolled, secret = roll_secret(owner=endpoint.owner, endpoint_id=endpoint.id, overlap=overlap)
                written_down(
                    request,
                    action="endpoint.secret_rolled",
                    subject=named.text,
                    account=endpoint.owner,
                    after={"overlap": words},
                )
        except EndpointNotFound:
            raise NotDone(_DELETED) from None
        return _shown_once(request, named, rolled, secret, title="The new signing secret")

    overlaps = [(value, words) for value, (words, _) in _OVERLAPS.items()]
    return asked(request, question, act, context={"overlaps": overlaps})


def _as_it_is(request: HttpRequest, named: Named, words: str) -> HttpResponse:
    messages.info(request, words)
    return HttpResponseRedirect(f"/ops/endpoints/{named.text}/")


def _set_status(request: HttpRequest, endpoint: Endpoint, status: EndpointStatus, said: str) -> Done:
    """The change and its entry commit together; an endpoint that has the status already is left as it is."""

    def write_down(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        if before["status"] == status:
            return
        written_down(
            request,
            action=f"endpoint.{status}",
            subject=endpoint.public_id,
            account=endpoint.owner,
            before={"status": before["status"], "reason": before["status_reason"]},
            after={"status": status.value, "reason": after["status_reason"]},
        )

    try:
        update_endpoint(
            owner=endpoint.owner, endpoint_id=endpoint.id, changes={"status": status}, on_write=write_down
        )
    except EndpointNotFound:
        raise NotDone(_DELETED) from None
    return Done(said)


def _shown_once(
    request: HttpRequest, named: Named, endpoint: Endpoint, secret: str, *, title: str
) -> HttpResponse:
    context = {"title": title, "id": named.text, "endpoint": endpoint, "secret": secret}
    return render(request, "ops/secret.html", context, current="endpoints")


def _question(named: Named, *, purpose: str, **members: Any) -> Question:
    return Question(
        back=f"/ops/endpoints/{named.text}/",
        purpose=f"{purpose}:{named.text}",
        current="endpoints",
        **members,
    )


def _facts(endpoint: Endpoint) -> tuple[tuple[str, Any], ...]:
    return (
        ("Endpoint", endpoint.public_id),
        ("URL", endpoint.url),
        ("Account", endpoint.owner),
    )
