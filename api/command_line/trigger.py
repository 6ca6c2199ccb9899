"""`webhooks trigger TYPE`: make an event really happen."""

import argparse
import difflib
import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from api.command_line.accounts import choose_account, find_endpoint
from api.command_line.arguments import add_account, endpoint_id, override, short_span
from api.command_line.errors import ArgumentRefused, CommandRefused, ExitCode
from api.command_line.moments import clock, moment_text
from api.command_line.output import Column, Line, Output, Tone, joined, toned
from api.command_line.scenes import NUMBERS, SCENES, TAKEN, Scene, Stage
from api.command_line.subcommands import Subcommand
from core.errors import InvalidParameter
from core.models import Account
from core.versions import EVENT_TYPES, PLAIN, shown_event_type
from dispatcher.deliveries import database_now
from dispatcher.endpoints import TEST_EVENT_TYPE, send_test_event
from outbox.identifiers import floor_uuid
from outbox.models import Event

_LOOK_EVERY = 0.1  # seconds
# Ids come from the clock of whoever made them; the object's id tells its events from others.
_CLOCKS_APART = timedelta(minutes=5)
_WIDEST = max(map(len, TAKEN))
_OF_ENDPOINTS = "only an endpoint that fails for days brings it about"


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("type", metavar="TYPE", nargs="?", help="the event; without one the types are listed")
    add_account(parser)
    parser.add_argument(
        "--override",
        metavar="NAME=VALUE",
        type=override,
        action="append",
        default=[],
        help="what is to be other than usual: amount=5000, metadata[order]=7; may be repeated",
    )
    parser.add_argument(
        "--endpoint", metavar="we_…", type=endpoint_id, help="of endpoint.test: whom to send it"
    )
    parser.add_argument(
        "--wait",
        metavar="SPAN",
        type=short_span,
        default=timedelta(seconds=10),
        help="how long to wait for an event that the bank brings about (default: 10s)",
    )


def _trigger(arguments: argparse.Namespace, output: Output) -> int:
    if arguments.type is None:
        return _list(output)
    wanted = _known(arguments.type)
    if wanted == TEST_EVENT_TYPE:
        return _test(arguments, output)
    scene = SCENES[wanted]
    account = choose_account(arguments.account)
    overrides = _typed(scene, arguments.override)
    beginning = floor_uuid(database_now() - _CLOCKS_APART)
    stage = Stage(account_id=account.id, owner=account.public_id, overrides=overrides)
    try:
        scene.play(stage)
    except InvalidParameter as error:
        raise ArgumentRefused("--override", f"{error.param}: {error.message}") from None
    deadline = time.monotonic() + (arguments.wait.total_seconds() if scene.by_settlement else 0)
    found = _events(account, stage.made, beginning)
    while all(event.type != wanted for event in found) and time.monotonic() < deadline:
        time.sleep(_LOOK_EVERY)
        found = _events(account, stage.made, beginning)
    for event in found:
        output.record(_fields(event, wanted=wanted), *_lines(event, wanted=wanted))
    if any(event.type == wanted for event in found):
        return ExitCode.FINE
    if scene.by_settlement:
        output.warning(
            f"{wanted} has not come yet: the bank's answer is applied by `manage.py run_settlement`. Is it running?"
        )
    else:
        output.warning(f"{wanted} did not come; an override led elsewhere.")
    return ExitCode.FAILURES


def _test(arguments: argparse.Namespace, output: Output) -> int:
    if arguments.endpoint is None:
        raise ArgumentRefused("--endpoint", f"{TEST_EVENT_TYPE} goes to one endpoint: name it")
    endpoint = find_endpoint(arguments.endpoint)
    sent = send_test_event(owner=endpoint.owner, endpoint_id=endpoint.id)
    event = Event.objects.get(id=sent.event_id)
    output.record(
        {**_fields(event, wanted=event.type), "delivery": sent.public_id}, *_lines(event, wanted=event.type)
    )
    return ExitCode.FINE


def _list(output: Output) -> int:
    rows: list[tuple[dict[str, Any], list[Line]]] = []
    for name, tells in EVENT_TYPES.items():
        takes = _takes(name)
        fields = {
            "type": name,
            "tells": tells,
            "can_be_triggered": takes is not None,
            "overrides": takes or [],
        }
        rows.append((fields, [name, tells if takes is not None else f"{tells} ({_OF_ENDPOINTS})"]))
    output.table([Column("type"), Column("tells", whole=False)], rows, nothing="")
    if not output.as_json:
        output.talk("")
        output.talk("What --override NAME=VALUE takes, by what is made:")
        for what, names in TAKEN.items():
            output.talk(joined("  ", toned(what.ljust(_WIDEST), Tone.STRONG), f"  {', '.join(names)}"))
    return ExitCode.FINE


def _takes(name: str) -> list[str] | None:
    """What can be overridden; None where nobody can make it happen."""
    if name == TEST_EVENT_TYPE:
        return []
    return list(SCENES[name].takes) if name in SCENES else None


def _known(name: str) -> str:
    """The stored name. Raises ArgumentRefused."""
    stored = next((one for one in EVENT_TYPES if name in (one, shown_event_type(one, PLAIN))), None)
    if stored is None:
        near = difflib.get_close_matches(name, [*EVENT_TYPES], n=3)
        meant = f"; did you mean {' or '.join(near)}" if near else ""
        raise ArgumentRefused(
            "TYPE", f"there is no event {name[:80]!r}{meant}? All: manage.py webhooks trigger"
        )
    if stored not in SCENES and stored != TEST_EVENT_TYPE:
        raise CommandRefused(f"{stored} cannot be made to happen: {_OF_ENDPOINTS}.")
    return stored


def _typed(scene: Scene, given: Sequence[tuple[str, str]]) -> dict[str, Any]:
    typed: dict[str, Any] = {}
    for name, value in given:
        field, _, member = name.partition("[")
        if field not in scene.takes:
            raise ArgumentRefused(
                "--override", f"{field!r} cannot be overridden here; there are {', '.join(scene.takes)}"
            )
        if (field == "metadata") is not bool(member):
            raise ArgumentRefused(
                "--override", f"{name!r}: metadata is written metadata[order]=7, and nothing else is"
            )
        if member:
            typed.setdefault(field, {})[member.removesuffix("]")] = value
        elif field in NUMBERS:
            typed[field] = _whole(field, value)
        else:
            typed[field] = value
    return typed


def _whole(field: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= 12):
        raise ArgumentRefused(
            "--override", f"{field} is a whole number of the smallest unit, not {value[:40]!r}"
        )
    return int(value)


def _events(account: Account, made: Sequence[str], beginning: uuid.UUID) -> list[Event]:
    rows = Event.objects.filter(owner=account.public_id, object_id__in=made, id__gte=beginning)
    return list(rows.order_by("id"))


def _fields(event: Event, *, wanted: str) -> Mapping[str, Any]:
    return {
        "event": event.public_id,
        "type": event.type,
        "object": event.object_id,
        "created_at": moment_text(event.created_at),
        "wanted": event.type == wanted,
    }


def _lines(event: Event, *, wanted: str) -> list[Line]:
    tone = Tone.STRONG if event.type == wanted else Tone.QUIET
    return [
        joined(
            f"{clock(event.created_at)}  ", toned(event.type, tone), f" [{event.public_id}] {event.object_id}"
        )
    ]


SUBCOMMAND = Subcommand(
    name="trigger",
    help="make an event really happen",
    description=(
        "Make an event really happen: real objects are made, through the services that the API calls, and "
        "whatever events come "
        "of it are delivered as any other. Prints them in order. Exits 4 where the one that was asked for did not come."
    ),
    add_arguments=_add_arguments,
    run=_trigger,
    examples=(
        "trigger",
        "trigger payment_intent.succeeded --override amount=5000 --override metadata[order]=7",
    ),
)
