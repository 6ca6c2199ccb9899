"""`webhooks tail`: deliveries and attempts as they happen."""

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from django.db import Error

from api.command_line.arguments import endpoint_id, moment
from api.command_line.errors import ArgumentRefused, ExitCode
from api.command_line.moments import clock, moment_text
from api.command_line.output import Line, Output, Tone, joined, toned
from api.command_line.subcommands import Subcommand
from core.stop_signal import StopSignal
from core.versions import EVENT_TYPES, PLAIN, shown_event_type
from dispatcher.config import dispatcher_settings
from dispatcher.deliveries import database_now
from dispatcher.management.commands.run_dispatcher import database_sentence
from dispatcher.models import DeliveryState
from dispatcher.tailing import Tail, TailedAttempt, TailedDelivery
from outbox.database import connection_is_lost, disconnect
from outbox.identifiers import encode_id, moment_of

_LONGEST_INTERVAL = 60.0
_RECONNECT_INTERVAL = 1.0


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--endpoint", metavar="we_…", type=endpoint_id, help="of this endpoint alone")
    parser.add_argument(
        "--type",
        metavar="TYPE",
        action="append",
        type=_type,
        help="of this event type alone; may be repeated",
    )
    parser.add_argument(
        "--state",
        choices=DeliveryState.values,
        action="append",
        help="of deliveries that are in this state when they are shown; may be repeated",
    )
    parser.add_argument("--failed", action="store_true", help="only attempts that did not succeed")
    parser.add_argument(
        "--since", metavar="WHEN", type=moment, help="begin so long ago: 10m, 2h, or a time (default: now)"
    )
    parser.add_argument("--no-follow", action="store_true", help="end when everything up to now is shown")
    parser.add_argument(
        "--interval", metavar="SECONDS", type=_seconds, default=0.5, help="between two looks (default: 0.5)"
    )


def _tail(arguments: argparse.Namespace, output: Output) -> int:
    now = database_now()
    since = arguments.since or now
    if since > now:
        raise ArgumentRefused("--since", f"is in the future; it is {now:%Y-%m-%dT%H:%M:%SZ} now")
    stop = StopSignal()
    stop.listen()
    if not arguments.no_follow:
        output.talk("Following deliveries; Ctrl-C ends it.")
    tail = Tail(since=since, endpoint_id=arguments.endpoint, failed=arguments.failed)
    most = dispatcher_settings().retry_policy.max_attempts
    is_away = False
    while not stop.requested:
        try:
            deliveries, attempts = tail.look()
        except Error as error:
            if arguments.no_follow or not connection_is_lost(error):
                raise
            disconnect()
            if not is_away:
                output.talk(f"{database_sentence(error)}; going on as soon as it answers")
            is_away = True
            stop.wait(_RECONNECT_INTERVAL)
            continue
        if is_away:
            output.talk("PostgreSQL answers again.")
        is_away = False
        for happened in _in_order(deliveries, attempts):
            if _is_wanted(happened, arguments):
                output.record(_fields(happened), _line(happened, most))
        if tail.behind:
            continue
        if arguments.no_follow:
            break
        stop.wait(arguments.interval)
    return ExitCode.FINE


def _in_order(
    deliveries: list[TailedDelivery], attempts: list[TailedAttempt]
) -> Iterator[TailedDelivery | TailedAttempt]:
    both: list[TailedDelivery | TailedAttempt] = [*deliveries, *attempts]
    yield from sorted(both, key=lambda happened: happened.id)


def _is_wanted(happened: TailedDelivery | TailedAttempt, arguments: argparse.Namespace) -> bool:
    if arguments.type and happened.type not in arguments.type:
        return False
    return not arguments.state or happened.state in arguments.state


def _fields(happened: TailedDelivery | TailedAttempt) -> dict[str, object]:
    shared = {
        "type": happened.type,
        "event": encode_id("evt", happened.event_id),
        "endpoint": encode_id("we", happened.endpoint_id),
        "url": _without_query(happened.url),
        "state": happened.state,
        "reason": happened.reason,
    }
    match happened:
        case TailedDelivery():
            return {
                "kind": "delivery",
                "at": moment_text(moment_of(happened.id)),
                "delivery": encode_id("dlv", happened.id),
                "manual": happened.resend_no > 0,
                **shared,
            }
        case TailedAttempt():
            return {
                "kind": "attempt",
                "at": moment_text(happened.started_at),
                "delivery": encode_id("dlv", happened.delivery_id),
                "attempt": happened.number,
                "outcome": happened.outcome,
                "status": happened.status,
                "code": happened.failure_code,
                "ms": None if happened.total_ms is None else round(happened.total_ms, 1),
                "superseded": happened.superseded,
                "next_attempt_at": moment_text(_next(happened)),
                **shared,
            }


def _line(happened: TailedDelivery | TailedAttempt, most: int) -> Line:
    match happened:
        case TailedDelivery():
            hand = " by hand" if happened.resend_no else ""
            told = f"{clock(moment_of(happened.id))}  --> {happened.type} [{encode_id('evt', happened.event_id)}]{hand}"
            if happened.state == DeliveryState.SKIPPED:
                return joined(f"{told} ", toned(f"skipped: {happened.reason}", Tone.WARNING))
            return joined(told, toned(f" {_without_query(happened.url)}", Tone.QUIET))
        case TailedAttempt():
            return _attempt_line(happened, most)


def _attempt_line(attempt: TailedAttempt, most: int) -> Line:
    succeeded = attempt.outcome == "succeeded"
    label = toned(
        "ERR" if attempt.status is None else str(attempt.status), Tone.GOOD if succeeded else Tone.BAD
    )
    delivery = encode_id("dlv", attempt.delivery_id)
    begin = joined(f"{clock(attempt.started_at)}  <-- [", label, "] ")
    if succeeded:
        return joined(
            begin,
            f"POST {_without_query(attempt.url)} ({attempt.total_ms or 0:.0f} ms) attempt {attempt.number} "
            f"[{delivery}]",
        )
    told = (attempt.detail or attempt.failure_code or attempt.outcome).rstrip(".")
    return joined(begin, f"{told}, attempt {attempt.number}/{most}, {_what_follows(attempt)} [{delivery}]")


def _what_follows(attempt: TailedAttempt) -> str:
    if attempt.superseded:
        return "superseded by a later claim"
    if attempt.attempts is not None and attempt.attempts > attempt.number:
        return "tried again"
    if (due := _next(attempt)) is not None:
        return f"next {clock(due)}" if due > datetime.now(UTC) else f"due since {clock(due)}"
    return str(attempt.state or "past its retention").replace("_", "-")


def _next(attempt: TailedAttempt) -> datetime | None:
    """PostgreSQL's infinity, behind the head of an order key, is no moment."""
    due = attempt.next_attempt_at
    return due if due is not None and due < datetime.now(UTC) + timedelta(days=3_660) else None


def _without_query(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def _type(text: str) -> str:
    """As it is stored; the plain dialect's name too."""
    return next((name for name in EVENT_TYPES if shown_event_type(name, PLAIN) == text), text)


def _seconds(text: str) -> float:
    number = float(text)
    if not 0.05 <= number <= _LONGEST_INTERVAL:
        raise argparse.ArgumentTypeError("must be between 0.05 and 60 seconds")
    return number


SUBCOMMAND = Subcommand(
    name="tail",
    help="deliveries and attempts as they happen",
    description=(
        "Deliveries and attempts as they happen, whichever dispatcher makes them: --> is an event on its "
        "way to an endpoint, <-- "
        "an attempt that ended, with what follows. Reads the database every half second; Ctrl-C ends it with 0."
    ),
    add_arguments=_add_arguments,
    run=_tail,
    examples=(
        "tail --failed",
        "tail --endpoint we_… --type payment_intent.succeeded --since 10m",
        "tail --since 1h --no-follow --json",
    ),
)
