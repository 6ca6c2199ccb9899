"""One delivery: its way, its attempts explained, and what can be done about it."""

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from api.failure_catalogue import PATH
from api.ops.changes import ASKED, Done, NotDone, Question, asked, written_down
from api.ops.pages import operations_page, render
from api.ops.roles import Role
from api.ops.subjects import page_about
from api.readings.delivery import ShownDelivery, show_delivery
from api.readings.identifying import Named, NothingKnown
from dispatcher.deliveries import resend_delivery, stop_delivery
from dispatcher.errors import DeliveryEnded, DeliveryNotFound, EventExpired
from outbox.identifiers import encode_id


@operations_page()
@page_about("dlv", current="deliveries")
def delivery_page(request: HttpRequest, named: Named) -> HttpResponse:
    """Bodies are for operators and those above."""
    return render(request, "ops/delivery.html", _context(request, named), current="deliveries")


@operations_page()
@page_about("dlv", current="deliveries")
def delivery_report_page(request: HttpRequest, named: Named) -> HttpResponse:
    """The same to print, or to send to whoever runs the endpoint: without bodies."""
    context = {"delivery": _shown(named, bodies=False), "catalogue": PATH, "now": timezone.now()}
    return render(request, "ops/delivery_report.html", context, current="deliveries")


@operations_page(least=Role.OPERATOR, methods=ASKED)
@page_about("dlv", current="deliveries")
def resend_page(request: HttpRequest, named: Named) -> HttpResponse:
    """A new delivery of the same event."""
    delivery = _shown(named, bodies=False)
    question = Question(
        title="Resend this delivery?",
        text="The event is sent once more, as a new delivery that is due at once: the same event id and the same "
        "body, signed afresh. It is marked as manual, leaves the automatic schedule as it is, and never counts "
        "against the endpoint.",
        button="Resend",
        back=f"/ops/deliveries/{named.text}/",
        purpose=f"delivery.resend:{named.text}",
        facts=_facts(delivery),
        warning=_warning(delivery),
        current="deliveries",
    )
    return asked(request, question, lambda: _resend(request, named, delivery))


@operations_page(least=Role.OPERATOR, methods=ASKED)
@page_about("dlv", current="deliveries")
def stop_page(request: HttpRequest, named: Named) -> HttpResponse:
    """The end of a live delivery."""
    delivery = _shown(named, bodies=False)
    under_way = delivery.state == "sending"
    question = Question(
        title="Stop this delivery?",
        text="It ends as cancelled, and no further attempt follows. It can be resent later.",
        button="Stop",
        back=f"/ops/deliveries/{named.text}/",
        purpose=f"delivery.stop:{named.text}",
        facts=_facts(delivery),
        warning="An attempt is under way and is not called back: the endpoint may get it."
        if under_way
        else None,
        dangerous=True,
        current="deliveries",
    )
    return asked(request, question, lambda: _stop(request, named, delivery))


def _resend(request: HttpRequest, named: Named, delivery: ShownDelivery) -> Done:
    with transaction.atomic():
        try:
            made = resend_delivery(owner=delivery.owner, delivery_id=named.value)
        except EventExpired:
            raise NotDone("The event is past its retention: there is nothing left to send.") from None
        except DeliveryNotFound:
            raise NotDone("The endpoint was deleted: there is nowhere to send it.") from None
        written_down(
            request,
            action="delivery.resent",
            subject=named.text,
            account=delivery.owner,
            before={},
            after={"delivery": made.public_id, "event": delivery.past.event_public_id},
        )
    return Done(f"Resent as {made.public_id}; this is its page.", path=f"/ops/deliveries/{made.public_id}/")


def _stop(request: HttpRequest, named: Named, delivery: ShownDelivery) -> Done:
    with transaction.atomic():
        try:
            stopped = stop_delivery(owner=delivery.owner, delivery_id=named.value)
        except DeliveryEnded as ended:
            raise NotDone(f"It has ended already, as {ended.state}: there is nothing to stop.") from None
        written_down(
            request,
            action="delivery.stopped",
            subject=named.text,
            account=delivery.owner,
            before={"state": delivery.state},
            after={"state": str(stopped.state)},
        )
    return Done("Stopped: no further attempt follows.")


def _context(request: HttpRequest, named: Named) -> dict[str, object]:
    role: Role = request.role  # type: ignore[attr-defined]
    bodies = role >= Role.OPERATOR
    delivery = _shown(named, bodies=bodies)
    return {
        "delivery": delivery,
        "catalogue": PATH,
        "may_read_bodies": bodies,
        "refresh": delivery.live,
    }


def _shown(named: Named, *, bodies: bool) -> ShownDelivery:
    delivery = show_delivery(named.value, bodies=bodies)
    if delivery is None:
        raise NothingKnown(named)
    return delivery


def _facts(delivery: ShownDelivery) -> list[tuple[str, object]]:
    return [
        (
            "Event",
            f"{delivery.past.event_public_id} ({delivery.event.type if delivery.event else 'expired'})",
        ),
        ("Endpoint", encode_id("we", delivery.past.endpoint_id)),
        ("URL", delivery.endpoint.url if delivery.endpoint else "no longer known"),
        ("Account", delivery.owner),
        ("Now", delivery.words),
    ]


def _warning(delivery: ShownDelivery) -> str | None:
    endpoint = delivery.endpoint
    if endpoint is not None and endpoint.deleted_at is not None:
        return "The endpoint was deleted: nothing can be sent to it."
    if delivery.state == "succeeded":
        return "The endpoint has this event already, and will get it twice. It deduplicates on webhook-id, if at all."
    if endpoint is not None and endpoint.status == "disabled":
        return "The endpoint is disabled; a resend by hand reaches it all the same."
    if delivery.live:
        return "The automatic delivery is still going on: the endpoint may get the event twice."
    return None
