"""`webhooks status`: how it stands, and with `--check` whether that is well."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from api.command_line.arguments import bounded, span
from api.command_line.errors import ExitCode
from api.command_line.moments import shown_span
from api.command_line.output import Line, Output, Tone, joined, toned
from api.command_line.subcommands import Subcommand
from dispatcher.deliveries import database_now
from dispatcher.overview import Overview, overview
from dispatcher.standing import COUNTED, Standing, read_standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """What is still well; None is whatever it is."""

    oldest: timedelta
    backlog: int
    circuits: int | None
    disabled: int | None
    dispatchers: int  # alive, at least


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--check", action="store_true", help="exit 4 where something is not well; for cron and probes"
    )
    parser.add_argument(
        "--max-oldest",
        metavar="SPAN",
        type=span,
        default=timedelta(minutes=1),
        help="how long a delivery may be due that a dispatcher may send (default: 1m)",
    )
    parser.add_argument(
        "--max-backlog",
        metavar="N",
        type=bounded(0, COUNTED),
        default=COUNTED - 1,
        help=f"deliveries that are due, and events to be fanned out (default: {COUNTED - 1})",
    )
    parser.add_argument(
        "--max-circuits", metavar="N", type=bounded(0, 1_000_000), help="open circuits (default: any number)"
    )
    parser.add_argument(
        "--max-disabled",
        metavar="N",
        type=bounded(0, 1_000_000),
        help="disabled endpoints (default: any number)",
    )
    parser.add_argument(
        "--min-dispatchers",
        metavar="N",
        type=bounded(0, 10_000),
        default=1,
        help="dispatchers alive, at least (default: 1)",
    )


def _show(arguments: argparse.Namespace, output: Output) -> int:
    standing = read_standing()
    now = database_now()
    view = overview(since=now - timedelta(hours=1), until=now)
    problems = list(
        find_problems(
            standing,
            disabled=view.disabled,
            dispatchers=view.dispatchers,
            thresholds=Thresholds(
                oldest=arguments.max_oldest,
                backlog=arguments.max_backlog,
                circuits=arguments.max_circuits,
                disabled=arguments.max_disabled,
                dispatchers=arguments.min_dispatchers,
            ),
        )
    )
    output.record(
        {
            "well": not problems,
            "sentence": view.sentence,
            "problems": problems,
            "paused": standing.paused,
            "oldest_permitted_seconds": round(standing.oldest_permitted, 3),
            "oldest_due_seconds": round(standing.oldest_due, 3),
            "pending_fan_out": standing.pending_fan_out,
            "due": standing.due,
            "scheduled": standing.scheduled,
            "leased": standing.leased,
            "circuits_open": standing.circuits_open,
            "circuits_half_open": standing.circuits_half_open,
            "endpoints": view.endpoints,
            "endpoints_failing": view.failing,
            "endpoints_disabled": view.disabled,
            "dispatchers": view.dispatchers,
            "attempts_succeeded_last_hour": view.ok,
            "attempts_failed_last_hour": view.failed,
            "events_recorded": standing.events_recorded,
            "strays": standing.strays,
        },
        *_lines(standing, view, problems),
    )
    return ExitCode.FAILURES if arguments.check and problems else ExitCode.FINE


def find_problems(
    standing: Standing, *, disabled: int, dispatchers: int, thresholds: Thresholds
) -> Iterator[str]:
    """What is beyond the thresholds, each in a sentence."""
    oldest = timedelta(seconds=standing.oldest_permitted)
    if dispatchers < thresholds.dispatchers:
        alive = "No dispatcher is alive" if not dispatchers else f"Only {dispatchers} dispatchers are alive"
        yield f"{alive}; {thresholds.dispatchers} should be. Start one: manage.py run_dispatcher"
    if standing.paused:
        yield "Deliveries are paused. Go on: manage.py resume_deliveries"
    elif oldest > thresholds.oldest:
        yield (
            f"A delivery is due for {shown_span(oldest)} and nobody has sent it, longer than "
            f"{shown_span(thresholds.oldest)}. Is run_dispatcher fast enough?"
        )
    for held, what in (
        (standing.due, "deliveries are due"),
        (standing.pending_fan_out, "events wait to be fanned out"),
    ):
        if held > thresholds.backlog:
            yield f"{_count(held)} {what}, more than {thresholds.backlog:,}. Start another run_dispatcher."
    if thresholds.circuits is not None and standing.circuits_open > thresholds.circuits:
        yield f"{standing.circuits_open} circuits are open, more than {thresholds.circuits}: these endpoints fail."
    if thresholds.disabled is not None and disabled > thresholds.disabled:
        yield f"{disabled} endpoints are disabled, more than {thresholds.disabled}."
    for table, held in standing.strays.items():
        if held:
            yield f"{table}_default holds {held:,} rows. Run: manage.py maintain_partitions"


def _lines(standing: Standing, view: Overview, problems: list[str]) -> Iterator[Line]:
    yield toned(view.sentence, Tone.BAD if problems else Tone.GOOD)
    for problem in problems:
        yield joined(toned("Not well:", Tone.BAD), f" {problem}")
    permitted, due = standing.oldest_permitted, standing.oldest_due
    yield f"oldest due   {_oldest(permitted, due)}"
    yield (
        f"backlog      {_count(standing.due)} due, {_count(standing.scheduled)} scheduled, "
        f"{_count(standing.leased)} leased, "
        f"{_count(standing.pending_fan_out)} to be fanned out"
    )
    yield f"circuits     {standing.circuits_open} open, {standing.circuits_half_open} half-open"
    yield f"endpoints    {view.endpoints:,}, {view.failing:,} of them failing, {view.disabled:,} disabled"
    yield f"dispatchers  {view.dispatchers:,} alive"
    yield f"last hour    {view.ok:,} attempt{'' if view.ok == 1 else 's'} succeeded, {view.failed:,} failed"
    yield f"events       {standing.events_recorded:,} recorded so far"


def _oldest(permitted: float, due: float) -> str:
    if not due:
        return "nothing is due"
    of_all = f"{shown_span(timedelta(seconds=due))} with what waits for its endpoint"
    if not permitted:
        return f"nothing that may be sent now; {of_all}"
    return f"{shown_span(timedelta(seconds=permitted))} of what may be sent now, {of_all}"


def _count(number: int) -> str:
    return f"{number:,} or more" if number >= COUNTED else f"{number:,}"


SUBCOMMAND = Subcommand(
    name="status",
    help="how deliveries stand: oldest due, backlog, circuits, endpoints",
    description=(
        "How deliveries stand: a sentence first, then the figures behind it, in a few bounded statements. "
        "With --check the exit "
        "code is 4 where something is beyond its threshold: for cron, a probe or a deployment that waits."
    ),
    add_arguments=_add_arguments,
    run=_show,
    examples=("status", "status --check --max-oldest 2m --max-circuits 0"),
)
