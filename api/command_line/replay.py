"""`webhooks replay`: after an outage, send again what failed or was never sent."""

import argparse
from datetime import timedelta

from api.command_line.accounts import find_endpoint
from api.command_line.arguments import bounded, endpoint_id, moment, rate
from api.command_line.audit import audit
from api.command_line.errors import CommandRefused, ExitCode
from api.command_line.moments import moment_text, shown_moment, shown_span
from api.command_line.output import Output
from api.command_line.subcommands import Subcommand
from dispatcher.deliveries import database_now
from dispatcher.replays import KINDS, Replayed, replay_deliveries

_CONFIRM_ABOVE = 1_000


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--endpoint", required=True, metavar="we_…", type=endpoint_id, help="the endpoint")
    parser.add_argument(
        "--since",
        required=True,
        type=moment,
        metavar="WHEN",
        help="of events recorded from then on: 90m, 2h, 3d, or a time as 2026-11-22T10:00:00Z",
    )
    parser.add_argument(
        "--until", type=moment, metavar="WHEN", help="of events recorded before then (default: now)"
    )
    parser.add_argument(
        "--only",
        choices=list(KINDS),
        default="failed",
        help="failed: dead-lettered or cancelled by a disable (default); missing: no delivery, or skipped",
    )
    parser.add_argument(
        "--rate", metavar="RATE", type=rate, default=20.0, help="how fast: 20/s, 1200/m (default: 20/s)"
    )
    parser.add_argument("--dry-run", action="store_true", help="only count")
    parser.add_argument("--yes", action="store_true", help="do not ask, however many there are")
    parser.add_argument(
        "--confirm-above",
        metavar="N",
        type=bounded(0, 1_000_000_000),
        default=_CONFIRM_ABOVE,
        help=f"ask first where there are more (default: {_CONFIRM_ABOVE})",
    )


def _replay(arguments: argparse.Namespace, output: Output) -> int:
    endpoint = find_endpoint(arguments.endpoint)
    # Counting and making see the same events.
    until = arguments.until or database_now()
    asked = {
        "owner": endpoint.owner,
        "endpoint_id": endpoint.id,
        "since": arguments.since,
        "until": until,
        "only": arguments.only,
        "rate": arguments.rate,
    }
    counted = replay_deliveries(**asked, dry_run=True)
    takes = shown_span(timedelta(seconds=counted.found / arguments.rate))
    output.talk(
        f"{counted.found:,} {arguments.only} to replay to {endpoint.public_id} at {arguments.rate:g}/s: {takes}"
    )
    done = counted
    if counted.found and not arguments.dry_run:
        _confirm(arguments, counted.found, output)
        audit(
            "replay.started",
            subject=endpoint.public_id,
            account=endpoint.owner,
            after={
                "only": arguments.only,
                "since": moment_text(arguments.since),
                "until": moment_text(until),
                "rate": arguments.rate,
                "counted": counted.found,
            },
        )
        with output.progress("scheduled", counted.found) as tally:
            done = replay_deliveries(**asked, progress=lambda step: tally.reach(step.made))
    output.record(
        {
            "endpoint": endpoint.public_id,
            "only": arguments.only,
            "found": done.found,
            "made": done.made,
            "first_due_at": moment_text(done.first_due_at),
            "last_due_at": moment_text(done.last_due_at),
        },
        _sentence(done, dry_run=arguments.dry_run),
    )
    return ExitCode.FINE


def _confirm(arguments: argparse.Namespace, found: int, output: Output) -> None:
    """Raises CommandRefused: nobody said yes."""
    if arguments.yes or found <= arguments.confirm_above:
        return
    if not output.is_interactive:
        raise CommandRefused(
            f"{found:,} are more than {arguments.confirm_above:,}; say --yes to replay them all."
        )
    if not output.ask(f"Replay {found:,} deliveries?"):
        raise CommandRefused("Nothing was replayed.")


def _sentence(done: Replayed, *, dry_run: bool) -> str:
    if dry_run:
        return f"{done.found:,} would be replayed."
    last = f"; the last is due at {shown_moment(done.last_due_at)}" if done.last_due_at else ""
    return f"{done.made:,} deliveries scheduled{last}."


SUBCOMMAND = Subcommand(
    name="replay",
    help="after an outage, send again what an endpoint failed to take, or what it was never sent",
    description=(
        "Send an endpoint again what it failed to take, or for the first time what it was never sent. "
        "Counts first, asks where "
        "that is many, then schedules one delivery after the other at the rate; dispatchers send them. "
        "After an interruption run "
        "it again: what is under way is not made twice."
    ),
    add_arguments=_add_arguments,
    run=_replay,
    examples=(
        "replay --endpoint we_… --since 2h --dry-run",
        "replay --endpoint we_… --since 3d --only missing --rate 20/s",
    ),
)
