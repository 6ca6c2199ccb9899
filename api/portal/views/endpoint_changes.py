"""What is done to one endpoint: on a page that says what will happen, by a form that does it once."""

import uuid
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from api.errors import InvalidParameter
from api.idempotency import in_one_transaction
from api.pages.filters import Filters
from api.portal.changes import Fields, Question, ask, new_form, once, read_form, written_down
from api.portal.lookups import OFFERED, endpoint_named, identified, offered_endpoints
from api.portal.pages import ASKED, Portal, portal_page, render, see
from api.portal.views.endpoints import reveal
from dispatcher.endpoints import delete_endpoint, roll_secret, send_test_event, update_endpoint
from dispatcher.errors import EndpointNotFound
from dispatcher.models import Endpoint, EndpointStatus
from dispatcher.replay_runs import count_missed

# What the old secret may go on for, in seconds: programs are to be given the new one meanwhile.
_ENOUGH = 1  # to ask whether it is to be replayed
OVERLAPS = {"86400": "24 hours", "3600": "1 hour", "600": "10 minutes", "0": "not at all: it ends now"}


@portal_page(methods=ASKED)
def enable_page(request: HttpRequest, portal: Portal, id: str) -> HttpResponse:
    """Deliveries go on. Enabling what is enabled changes nothing."""
    endpoint = endpoint_named(portal, id)
    if request.method == "POST":
        read_form(request)
        return _set_status(request, portal, endpoint, EndpointStatus.ENABLED)
    question = Question(
        title="Enable this endpoint?",
        text="Events that happen from now on are sent there. What happened while it was disabled is not sent by "
        "itself; you can replay it afterwards.",
        button="Enable",
        facts=[("URL", endpoint.url), ("Disabled since", f"{endpoint.status_since:%Y-%m-%d %H:%M:%S} UTC")],
        back=portal.path(f"endpoints/{endpoint.public_id}/"),
    )
    return ask(request, portal, question)


@portal_page(methods=ASKED)
def disable_page(request: HttpRequest, portal: Portal, id: str) -> HttpResponse:
    """Nothing is sent. Disabling what is disabled changes nothing."""
    endpoint = endpoint_named(portal, id)
    if request.method == "POST":
        read_form(request)
        return _set_status(request, portal, endpoint, EndpointStatus.DISABLED)
    question = Question(
        title="Disable this endpoint?",
        text="Nothing is sent there until you enable it again. Deliveries that fall due meanwhile end as cancelled, "
        "and new events are skipped; both can be replayed.",
        button="Disable",
        facts=[("URL", endpoint.url)],
        dangerous=True,
        back=portal.path(f"endpoints/{endpoint.public_id}/"),
    )
    return ask(request, portal, question)


@portal_page(methods=ASKED)
def delete_page(request: HttpRequest, portal: Portal, id: str) -> HttpResponse:
    """For good. Deleting again only goes on."""
    if request.method == "POST":
        read_form(request)
        endpoint_id = identified(id, "we")
        row = Endpoint.objects.filter(owner=portal.owner, id=endpoint_id).first()
        if row is None:
            raise Http404(f"There is no endpoint {id[:60]!r} in this account.")
        if row.deleted_at is None:
            _delete(request, portal, endpoint_id)
        return see(portal, "", notice="deleted")
    endpoint = endpoint_named(portal, id)
    question = Question(
        title="Delete this endpoint?",
        text="Nothing more is sent there, and it cannot be brought back: a new endpoint has another secret. Deliveries "
        "that are still to be sent end as cancelled. What was sent stays readable.",
        button="Delete for good",
        facts=[("URL", endpoint.url)],
        dangerous=True,
        back=portal.path(f"endpoints/{endpoint.public_id}/"),
    )
    return ask(request, portal, question)


@portal_page(methods=ASKED)
def roll_page(request: HttpRequest, portal: Portal, id: str) -> HttpResponse:
    """A new secret, shown by the answer to the form; the old one signs too for a while."""
    endpoint = endpoint_named(portal, id)
    question = Question(
        title="Roll the signing secret?",
        text="A new secret is made and shown once. During the overlap every delivery is signed with both, so that your "
        "program can be given the new one without missing any.",
        button="Make a new secret",
        facts=[("URL", endpoint.url)],
        warning=None
        if endpoint.previous_secret_expires_at is None
        else "A roll is under way: the secret before the present one ends at once if you roll again.",
        back=portal.path(f"endpoints/{endpoint.public_id}/"),
        template="portal/roll.html",
    )
    around = {"overlaps": OVERLAPS.items()}
    if request.method != "POST":
        return ask(request, portal, question, around)
    name, tree = read_form(request)
    overlap = tree.get("overlap")
    if overlap not in OVERLAPS:
        return ask(
            request, portal, question, around, problem="Choose how long the old secret is to go on signing."
        )

    def roll() -> Fields:
        row, secret = roll_secret(
            owner=portal.owner, endpoint_id=endpoint.id, overlap=timedelta(seconds=int(overlap))
        )
        until = row.previous_secret_expires_at
        ends = None if until is None else until.isoformat()
        written_down(
            request,
            portal,
            action="endpoint.secret_rolled",
            subject=row.public_id,
            after={"old_one_ends_at": ends or "now"},
        )
        return {"endpoint": row.public_id, "url": row.url, "secret": secret, "old_ends_at": ends}

    made = once(
        request,
        portal,
        form=name,
        fields={"overlap": overlap},
        run=lambda operation: in_one_transaction(operation, roll),
        secret=True,
    )
    return reveal(request, portal, made, title="Your new signing secret")


@portal_page(methods=ASKED)
def test_page(request: HttpRequest, portal: Portal) -> HttpResponse:
    """Send an `endpoint.test` event to one endpoint, and see what becomes of it."""
    if request.method != "POST":
        filters = Filters(request.GET.dict())
        named = endpoint_named(portal, filters.given["endpoint"]) if filters.id("endpoint", "we") else None
        endpoints = offered_endpoints(portal, chosen=named)
        shown = {
            "endpoints": endpoints,
            "more": len(endpoints) >= OFFERED,
            "chosen": named and named.public_id,
            "problems": filters.problems,
            "form_name": new_form(),
        }
        return render(request, portal, "portal/test.html", shown, current="test", status=filters.status)
    name, tree = read_form(request)
    chosen = tree.get("endpoint")
    if not isinstance(chosen, str) or not chosen:
        raise InvalidParameter("Choose an endpoint.", code="parameter_missing", param="endpoint")
    endpoint = endpoint_named(portal, chosen)

    def send() -> Fields:
        delivery = send_test_event(owner=portal.owner, endpoint_id=endpoint.id)
        written_down(
            request,
            portal,
            action="endpoint.tested",
            subject=endpoint.public_id,
            after={"delivery": delivery.public_id},
        )
        return {"delivery": delivery.public_id}

    made = once(
        request,
        portal,
        form=name,
        fields={"endpoint": chosen},
        run=lambda operation: in_one_transaction(operation, send),
    )
    return see(portal, f"deliveries/{made['delivery']}/", notice="sent")


def _delete(request: HttpRequest, portal: Portal, endpoint_id: uuid.UUID) -> None:
    """Nothing, where another request was first."""

    def write_down(endpoint: Endpoint) -> None:
        written_down(
            request,
            portal,
            action="endpoint.deleted",
            subject=endpoint.public_id,
            before={"url": endpoint.url},
        )

    with suppress(EndpointNotFound):
        delete_endpoint(owner=portal.owner, endpoint_id=endpoint_id, on_write=write_down)


def _set_status(
    request: HttpRequest, portal: Portal, endpoint: Endpoint, status: EndpointStatus
) -> HttpResponse:
    def write_down(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        if before["status"] != after["status"]:
            written_down(
                request,
                portal,
                action=f"endpoint.{status.value}",
                subject=endpoint.public_id,
                before={"status": str(before["status"])},
                after={"status": status.value},
            )

    changed = update_endpoint(
        owner=portal.owner, endpoint_id=endpoint.id, changes={"status": status.value}, on_write=write_down
    )
    below = f"endpoints/{endpoint.public_id}/"
    if changed.status != endpoint.status and status == EndpointStatus.ENABLED:
        since = endpoint.status_since
        if count_missed(owner=portal.owner, endpoint_id=endpoint.id, since=since, cap=_ENOUGH).found:
            return see(portal, f"{below}replay/", notice="missed", only="missing", since=since.isoformat())
    return see(portal, below, notice=status.value)
