"""Who gets what happened, how each try went, and sending it once more."""

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse

from api.idempotency import in_one_transaction
from api.pages.deliveries import CODES, list_by
from api.pages.filters import Filters
from api.pages.words import badge_of
from api.portal.changes import Fields, Question, ask, once, read_form, written_down
from api.portal.lookups import endpoints_with, identified, offered_endpoints
from api.portal.pages import ASKED, Portal, portal_page, render, see
from api.portal.shown import listed_rows, pretty
from api.readings.delivery import show_delivery
from core.versions import canonical_event_type, event_types, shown_event_type
from dispatcher.deliveries import (
    get_delivery,
    resend_delivery,
    stop_delivery,
)
from dispatcher.errors import DeliveryEnded, DeliveryNotFound, EventExpired
from dispatcher.failures import EXPLANATIONS
from dispatcher.models import DeliveryRecord, DeliveryState
from dispatcher.reasons import REASONS
from outbox.identifiers import moment_of

_SIZE = 25
_CURRENT = "deliveries"


@portal_page()
def deliveries_page(request: HttpRequest, portal: Portal) -> HttpResponse:
    """By the time of their events, newest first; each filter that is not understood is named and left out."""
    filters = Filters(request.GET.dict())
    version = portal.session.api_version
    types = event_types(version)
    endpoint_id, chosen = filters.id("endpoint", "we"), filters.choice("type", types)
    page = list_by(
        request.GET,
        filters,
        size=_SIZE,
        owner=portal.owner,
        endpoint_id=endpoint_id,
        event_id=filters.id("event", "evt"),
        event_type=None if chosen is None else canonical_event_type(chosen, version),
    )
    endpoint = None if endpoint_id is None else endpoints_with(portal, {endpoint_id}).get(endpoint_id)
    shown = {
        "rows": listed_rows(page.found.rows, version=version),
        "list": page,
        "filters": filters,
        "problems": filters.problems,
        "endpoints": offered_endpoints(portal, chosen=endpoint),
        "states": DeliveryState.values,
        "codes": CODES,
        "types": types,
        "range": page.range,
    }
    return render(request, portal, "portal/deliveries.html", shown, current=_CURRENT, status=filters.status)


@portal_page()
def delivery_page(request: HttpRequest, portal: Portal, id: str) -> HttpResponse:
    """One delivery, from its event to what comes next."""
    record = _delivery_named(portal, id)
    found = show_delivery(record.id, owner=portal.owner)
    if found is None:
        raise _missing(id)
    version = portal.session.api_version
    shown = {
        "delivery": found,
        "recorded_at": moment_of(found.past.event_id),
        "event_type": None if found.event is None else shown_event_type(found.event.type, version),
        "body": None if found.body is None else pretty(found.body),
        "catalogue": portal.path("failures/"),
        "may_read_bodies": True,
        "may_resend": found.event is not None
        and found.endpoint is not None
        and found.endpoint.deleted_at is None,
    }
    return render(request, portal, "portal/delivery.html", shown, current=_CURRENT)


@portal_page()
def failures_page(request: HttpRequest, portal: Portal) -> HttpResponse:
    """Every failure code and every reason of an end, explained."""
    shown = {"failures": EXPLANATIONS.items(), "reasons": REASONS.items()}
    return render(request, portal, "portal/failures.html", shown, current=_CURRENT)


@portal_page(methods=ASKED)
def resend_page(request: HttpRequest, portal: Portal, id: str) -> HttpResponse:
    """The same event once more, as a new delivery."""
    record = _delivery_named(portal, id)
    question = Question(
        title="Send it once more?",
        text="The same event, byte for byte, is sent to the same endpoint as a new delivery, signed afresh. A receiver "
        "that deduplicates on the event's id takes it for the one that it had. It reaches a disabled endpoint too.",
        button="Send it",
        facts=[("Delivery", record.public_id), ("State", badge_of(record.state).word)],
        back=portal.path(f"deliveries/{record.public_id}/"),
        current=_CURRENT,
    )
    if request.method != "POST":
        return ask(request, portal, question)
    name, _ = read_form(request)

    def resend() -> Fields:
        made = resend_delivery(owner=portal.owner, delivery_id=record.id)
        written_down(
            request,
            portal,
            action="delivery.resent",
            subject=record.public_id,
            after={"delivery": made.public_id},
        )
        return {"delivery": made.public_id}

    try:
        made = once(
            request,
            portal,
            form=name,
            fields={},
            run=lambda operation: in_one_transaction(operation, resend),
        )
    except (EventExpired, DeliveryNotFound) as error:
        text = (
            str(error)
            if isinstance(error, EventExpired)
            else "Its endpoint was deleted: there is nowhere to send it."
        )
        return ask(request, portal, question, problem=text)
    return see(portal, f"deliveries/{made['delivery']}/", notice="sent")


@portal_page(methods=ASKED)
def stop_page(request: HttpRequest, portal: Portal, id: str) -> HttpResponse:
    """No further attempt. Stopping what has ended changes nothing."""
    record = _delivery_named(portal, id)
    back = f"deliveries/{record.public_id}/"
    if request.method == "POST":
        read_form(request)
        try:
            with transaction.atomic():
                stop_delivery(owner=portal.owner, delivery_id=record.id)
                written_down(
                    request,
                    portal,
                    action="delivery.stopped",
                    subject=record.public_id,
                    before={"state": record.state},
                )
        except DeliveryEnded:
            return see(portal, back, notice="ended")
        return see(portal, back, notice="stopped")
    question = Question(
        title="Stop this delivery?",
        text="No further attempt is made, and it ends as cancelled. You can send it once more later.",
        button="Stop it",
        facts=[("Delivery", record.public_id), ("Attempts so far", record.attempts)],
        dangerous=True,
        back=portal.path(back),
        current=_CURRENT,
    )
    return ask(request, portal, question)


def _delivery_named(portal: Portal, text: str) -> DeliveryRecord:
    try:
        return get_delivery(owner=portal.owner, delivery_id=identified(text, "dlv"))
    except DeliveryNotFound:
        raise _missing(text) from None


def _missing(text: str) -> Http404:
    return Http404(
        f"There is no delivery {text[:60]!r} in this account, or it is older than history is kept."
    )
