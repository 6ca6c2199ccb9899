"""`webhooks resend evt_…`: an event once more, to one endpoint or to all that it went to."""

import argparse
import time
import uuid
from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction

from api.command_line.arguments import endpoint_id, event_id, short_span
from api.command_line.audit import audit
from api.command_line.errors import CommandRefused, ExitCode
from api.command_line.moments import moment_text
from api.command_line.output import Line, Output, Tone, joined, toned
from api.command_line.subcommands import Subcommand
from dispatcher.deliveries import get_delivery, resend_event
from dispatcher.models import LIVE_STATES, DeliveryRecord, DeliveryState, Endpoint, EndpointStatus
from outbox.identifiers import encode_id
from outbox.models import Event

_LOOK_EVERY = 0.1  # seconds


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("event", metavar="evt_…", type=event_id, help="the event")
    parser.add_argument(
        "--endpoint",
        metavar="we_…",
        type=endpoint_id,
        action="append",
        help="to this endpoint, also where it never got it; may be repeated (default: all it went to, else all enabled "
        "ones that subscribe to it)",
    )
    parser.add_argument(
        "--wait",
        metavar="SPAN",
        type=short_span,
        default=timedelta(0),
        help="wait so long for the outcome; exits 4 where it is not a success (default: do not wait)",
    )


def _resend(arguments: argparse.Namespace, output: Output) -> int:
    event = Event.objects.filter(id=arguments.event).first()
    if event is None:
        shown = encode_id("evt", arguments.event)
        raise CommandRefused(f"No such event: '{shown}'. It may be past its retention.")
    endpoints = _endpoints(event, arguments.endpoint)
    made = [_sent_again(event, one) for one in endpoints]
    urls = {one.id: one.url for one in endpoints}
    if arguments.wait:
        made = _awaited(made, arguments.wait)
    for row in made:
        output.record(_fields(row, event.type), *_lines(row, event.type, urls[row.endpoint_id]))
    if not arguments.wait:
        output.talk("A dispatcher sends them now, with the same id and body and a fresh signature.")
        return ExitCode.FINE
    well = all(row.state == DeliveryState.SUCCEEDED for row in made)
    return ExitCode.FINE if well else ExitCode.FAILURES


def _sent_again(event: Event, endpoint: Endpoint) -> DeliveryRecord:
    with transaction.atomic():
        made = resend_event(owner=event.owner, event_id=event.id, endpoint_id=endpoint.id)
        audit(
            "delivery.resent",
            subject=made.public_id,
            account=event.owner,
            after={"event": event.public_id, "endpoint": endpoint.public_id},
        )
    return made


def _endpoints(event: Event, named: Sequence[uuid.UUID] | None) -> list[Endpoint]:
    rows = Endpoint.objects.filter(owner=event.owner, deleted_at=None)
    if named:
        found = {row.id: row for row in rows.filter(id__in=named)}
        if missing := [one for one in named if one not in found]:
            raise CommandRefused(
                f"No such webhook endpoint of {event.owner}, whose event this is: '{encode_id('we', missing[0])}'"
            )
        return [found[one] for one in dict.fromkeys(named)]
    went_to = DeliveryRecord.objects.filter(owner=event.owner, event_id=event.id).values("endpoint_id")
    found_rows = list(rows.filter(id__in=went_to).order_by("id"))
    if not found_rows:
        enabled = rows.filter(status=EndpointStatus.ENABLED, enabled_events__overlap=[event.type, "*"])
        found_rows = list(enabled.order_by("id"))
    if not found_rows:
        raise CommandRefused(
            f"No endpoint of {event.owner} got {event.public_id}, and none that is enabled subscribes to {event.type}. "
            "Name one with --endpoint."
        )
    return found_rows


def _awaited(made: list[DeliveryRecord], patience: timedelta) -> list[DeliveryRecord]:
    deadline = time.monotonic() + patience.total_seconds()
    while True:
        made = [get_delivery(owner=row.owner, delivery_id=row.id) for row in made]
        # Its first attempt is what is waited for: a schedule may go on for days.
        under_way = any(row.state in LIVE_STATES and not _has_failed(row) for row in made)
        if not under_way or time.monotonic() >= deadline:
            return made
        time.sleep(_LOOK_EVERY)


def _has_failed(row: DeliveryRecord) -> bool:
    return row.state == DeliveryState.PENDING and row.attempts > 0


def _fields(row: DeliveryRecord, type: str) -> dict[str, object]:
    return {
        "delivery": row.public_id,
        "event": encode_id("evt", row.event_id),
        "type": type,
        "endpoint": encode_id("we", row.endpoint_id),
        "state": str(row.state),
        "attempts": row.attempts,
        "next_attempt_at": moment_text(row.next_attempt_at),
    }


def _lines(row: DeliveryRecord, type: str, url: str) -> list[Line]:
    tone = Tone.GOOD if row.state == DeliveryState.SUCCEEDED else Tone.BAD if _has_failed(row) else Tone.QUIET
    return [joined(f"--> {type} [{row.public_id}] {url}  ", toned(str(row.state), tone))]


SUBCOMMAND = Subcommand(
    name="resend",
    help="send an event once more",
    description=(
        "Send an event once more, as a new delivery: the id and the body stay, the signature is fresh. It "
        "ignores holds and "
        "circuits, reaches a disabled endpoint, and never counts against it."
    ),
    add_arguments=_add_arguments,
    run=_resend,
    examples=("resend evt_…", "resend evt_… --endpoint we_… --wait 10s"),
)
