"""What happened: the account's events, one with what became of it, and sending one to an endpoint."""

from django.http import HttpRequest, HttpResponse

from api.idempotency import in_one_transaction
from api.pages.filters import Filters
from api.pages.paging import slice_of
from api.portal.changes import Fields, Question, ask, once, read_form, written_down
from api.portal.lookups import endpoint_named, event_named, offered_endpoints
from api.portal.pages import ASKED, Portal, portal_page, render, see
from api.portal.shown import delivery_rows, pretty
from core.versions import (
    canonical_event_type,
    event_types,
    render_event,
    shown_event_type,
)
from dispatcher.deliveries import list_deliveries, resend_event
from dispatcher.errors import EventExpired
from outbox.models import Event

_CURRENT = "events"
_LATEST = 50


@portal_page()
def events_page(request: HttpRequest, portal: Portal) -> HttpResponse:
    """Newest first."""
    version = portal.session.api_version
    filters = Filters(request.GET.dict())
    names = event_types(version)
    chosen = filters.choice("type", names)
    rows = Event.objects.filter(owner=portal.owner)
    if chosen is not None:
        rows = rows.filter(type=canonical_event_type(chosen, version))
    page = slice_of(rows.defer("data", "previous"), filters, prefix="evt")
    shown = {
        "slice": page,
        "rows": [(row, shown_event_type(row.type, version)) for row in page.rows],
        "types": names,
        "chosen": chosen,
        "problems": filters.problems,
    }
    return render(request, portal, "portal/events.html", shown, current=_CURRENT, status=filters.status)


@portal_page()
def event_page(request: HttpRequest, portal: Portal, id: str) -> HttpResponse:
    """One event, its body, and its deliveries."""
    event = event_named(portal, id)
    version = portal.session.api_version
    deliveries = list_deliveries(owner=portal.owner, event_id=event.id, limit=_LATEST)
    shown = {
        "event": event,
        "event_type": shown_event_type(event.type, version),
        "version": version,
        "body": pretty(render_event(event.facts, version)),
        "deliveries": delivery_rows(portal, deliveries.rows),
        "has_more": deliveries.has_more,
    }
    return render(request, portal, "portal/event.html", shown, current=_CURRENT)


@portal_page(methods=ASKED)
def send_event_page(request: HttpRequest, portal: Portal, id: str) -> HttpResponse:
    """One event to one endpoint, also one that never had it."""
    event = event_named(portal, id)
    question = Question(
        title="Send this event to an endpoint",
        text="It is sent as a new delivery, whatever the endpoint is subscribed to, and also where it is disabled.",
        button="Send it",
        facts=[
            ("Event", event.public_id),
            ("Type", shown_event_type(event.type, portal.session.api_version)),
        ],
        back=portal.path(f"events/{event.public_id}/"),
        current=_CURRENT,
        template="portal/send_event.html",
    )
    around = {"endpoints": offered_endpoints(portal)}
    if request.method != "POST":
        return ask(request, portal, question, around)
    name, tree = read_form(request)
    chosen = tree.get("endpoint")
    if not isinstance(chosen, str) or not chosen:
        return ask(request, portal, question, around, problem="Choose an endpoint.")
    endpoint = endpoint_named(portal, chosen)

    def send() -> Fields:
        made = resend_event(owner=portal.owner, event_id=event.id, endpoint_id=endpoint.id)
        written_down(
            request,
            portal,
            action="event.sent",
            subject=event.public_id,
            after={"delivery": made.public_id, "endpoint": endpoint.public_id},
        )
        return {"delivery": made.public_id}

    try:
        told = once(
            request,
            portal,
            form=name,
            fields={"endpoint": chosen},
            run=lambda operation: in_one_transaction(operation, send),
        )
    except EventExpired as error:
        return ask(request, portal, question, around, problem=str(error))
    return see(portal, f"deliveries/{told['delivery']}/", notice="sent")
