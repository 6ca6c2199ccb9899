"""`webhooks trace ANY-ID`: request, payment, events, every endpoint's decision, attempts."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime

from api.command_line.errors import ArgumentRefused, CommandRefused, ExitCode
from api.command_line.moments import clock, moment_text, shown_moment
from api.command_line.output import Line, Output, Tone, joined, toned
from api.command_line.subcommands import Subcommand
from api.pages.words import HOLDERS
from api.readings.identifying import NothingKnown, NotTraceable
from api.readings.steps import AttemptStep, Decision, EventStep, PaymentStep, RequestStep, Trace, Verdict
from api.readings.trace import trace
from core.currencies import shown_amount
from dispatcher.reasons import explanation_of

_TONES = {
    Verdict.DELIVERED: Tone.GOOD,
    Verdict.DEAD_LETTERED: Tone.BAD,
    Verdict.CANCELLED: Tone.BAD,
    Verdict.SKIPPED: Tone.WARNING,
    Verdict.NO_RECORD: Tone.WARNING,
}


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "id",
        metavar="ID",
        help="of a request, payment, charge, refund, customer, event, delivery, attempt, endpoint, …",
    )


def _trace(arguments: argparse.Namespace, output: Output) -> int:
    try:
        found = trace(arguments.id)
    except NotTraceable as error:
        nearest = f" Try: {error.nearest}" if error.nearest else ""
        raise ArgumentRefused("ID", f"{error.message}{nearest}") from None
    except NothingKnown as error:
        raise CommandRefused(error.message) from None
    output.record({name: _plain(value) for name, value in asdict(found).items()}, *_lines(found))
    return ExitCode.FINE


def _plain(value: object) -> object:
    """With moments as text."""
    match value:
        case datetime():
            return moment_text(value)
        case dict():
            return {name: _plain(held) for name, held in value.items()}
        case list() | tuple():
            return [_plain(held) for held in value]
    return value


def _lines(found: Trace) -> Iterator[Line]:
    whose = f" of {found.owner}" if found.owner else ""
    yield joined(toned(found.id, Tone.STRONG), f"  {found.kind}{whose}")
    yield found.sentence
    if found.endpoint is not None:
        since = shown_moment(found.endpoint.status_since)
        yield f"endpoint {found.endpoint.id}  {found.endpoint.url}  {found.endpoint.status} since {since}"
    for request in found.requests:
        yield _request_line(request)
    for payment in found.payments:
        yield from _payment_lines(payment)
    for event in found.events:
        yield from _event_lines(event)
    if found.more_events:
        yield toned("… and more events; ask for one of them", Tone.QUIET)


def _request_line(request: RequestStep) -> Line:
    when = shown_moment(request.created_at)
    if request.method is None:
        return f"request  {request.id}  {when}, no longer in the log"
    tone = Tone.GOOD if (request.status or 500) < 400 else Tone.BAD
    took = "" if request.milliseconds is None else f" in {request.milliseconds:.0f} ms"
    code = f" {request.error_code}" if request.error_code else ""
    return joined(
        f"request  {request.id}  {request.method} {request.path} → ",
        toned(f"{request.status}{code}", tone),
        f"{took}, {when}",
    )


def _payment_lines(payment: PaymentStep) -> Iterator[Line]:
    amount = shown_amount(payment.amount, payment.currency)
    yield f"payment  {payment.id}  {amount}, {payment.status}, {shown_moment(payment.created_at)}"
    for money in payment.money:
        yield f"  {money.kind:<7}{money.id}  {shown_amount(money.amount, money.currency)}, {money.status}"
    if payment.more_money:
        yield toned("  … and more", Tone.QUIET)


def _event_lines(event: EventStep) -> Iterator[Line]:
    yield joined(
        "event    ", toned(event.type, Tone.STRONG), f" {event.id}  {shown_moment(event.created_at)}"
    )
    if event.waits_for_fan_out:
        yield toned("  waits for its deliveries to be made: is run_dispatcher running?", Tone.WARNING)
    for decision in event.decisions:
        yield from _decision_lines(decision)
    if event.more_decisions:
        yield toned("  … and more endpoints", Tone.QUIET)


def _decision_lines(decision: Decision) -> Iterator[Line]:
    tone = _TONES.get(decision.verdict, Tone.QUIET)
    yield joined(
        f"  → {decision.url or 'an endpoint that is no longer known'}  ", toned(decision.words, tone)
    )
    yield toned(
        f"    {decision.endpoint}" + (f"  {decision.delivery.id}" if decision.delivery else ""), Tone.QUIET
    )
    if decision.delivery is None:
        return
    if decision.delivery.earlier_attempts:
        yield toned(f"    … {decision.delivery.earlier_attempts} earlier attempts", Tone.QUIET)
    for attempt in decision.delivery.attempts:
        yield _attempt_line(attempt)
    if (ahead := decision.delivery.next) is not None:
        held = "" if ahead.holder is None else f": {HOLDERS[ahead.holder]}"
        when = "next at" if ahead.at > datetime.now(UTC) else "due since"
        yield f"    {when} {shown_moment(ahead.at)}{held}"
    last = next(iter(decision.delivery.attempts[-1:]), None)
    if last is not None and last.code is not None:
        explained = explanation_of(last.code)
        if explained is not None:
            yield joined("    ", toned("→", Tone.QUIET), f" {explained.remedy}")


def _attempt_line(attempt: AttemptStep) -> Line:
    label = "ERR" if attempt.status is None else str(attempt.status)
    tone = Tone.GOOD if attempt.outcome == "succeeded" else Tone.BAD
    took = "" if attempt.milliseconds is None else f" ({attempt.milliseconds:.0f} ms)"
    why = f" {attempt.code}" if attempt.code else ""
    late = ", superseded" if attempt.superseded else ""
    return joined(
        f"    attempt {attempt.number}  {clock(attempt.started_at)}  [",
        toned(label, tone),
        f"]{took}{why}{late}",
    )


SUBCOMMAND = Subcommand(
    name="trace",
    help="the whole way of whatever an id names",
    description=(
        "The whole way of whatever an id names: the API request, the payment, its events, what each "
        "endpoint made of each of "
        "them and why, every attempt. Takes req_ pi_ ch_ re_ cus_ evt_ dlv_ att_ we_ acct_ pm_ and seti_ ids."
    ),
    add_arguments=_add_arguments,
    run=_trace,
    examples=("trace pi_…", "trace evt_… --json"),
)
