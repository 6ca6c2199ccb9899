"""`webhooks replay`: after an outage, send again what failed or was never sent."""

import argparse
from datetime import timedelta
from typing import Any

from django.utils.text import capfirst

from api.command_line.accounts import find_endpoint
from api.command_line.arguments import bounded, endpoint_id, moment, rate
from api.command_line.audit import audit
from api.command_line.errors import CommandRefused, ExitCode
from api.command_line.moments import moment_text, shown_span
from api.command_line.output import Output
from api.command_line.replays import show_run, watch_run
from api.command_line.subcommands import Subcommand
from api.pages.audit import terminal_actor
from dispatcher.deliveries import database_now
from dispatcher.errors import ReplayRefused
from dispatcher.replay_runs import Counted, ReplayRun, count_replay, start_replay
from dispatcher.replay_search import KINDS, check_arguments
from outbox.identifiers import encode_id

_CONFIRM_ABOVE = 1_000
_LACKING = {"failed": "failed", "missing": "was missed"}


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
    parser.add_argument(
        "--no-wait", action="store_true", help="end when it is begun: dispatchers carry it on in any case"
    )
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
    }
    check_rate(arguments.rate)
    counted = count_replay(**asked)
    if not counted.nothing:
        takes = shown_span(timedelta(seconds=counted.found / arguments.rate))
        output.talk(
            f"{counted} {arguments.only} to replay to {endpoint.public_id} at {arguments.rate:g}/s: {takes}"
        )
    if arguments.dry_run or counted.nothing:
        fields = {
            "endpoint": endpoint.public_id,
            "only": arguments.only,
            "found": counted.found,
            "more": counted.more,
        }
        output.record(
            {"replay": None, **fields, "made": 0},
            f"Nothing {_LACKING[arguments.only]} in that time: there is nothing to replay."
            if counted.nothing
            else f"{counted} would be replayed.",
        )
        return ExitCode.FINE
    _confirm(arguments, counted, output)
    run = _start(asked, arguments.rate, counted)
    if arguments.no_wait:
        return show_run(run, output)
    return watch_run(run, output)


def check_rate(rate: float) -> None:
    """Before anything is counted. Raises ReplayRefused."""
    check_arguments(since=database_now() - timedelta(days=1), until=None, only="failed", rate=rate)


def _start(asked: dict[str, Any], rate: float, counted: Counted) -> ReplayRun:
    def write_down(run: ReplayRun) -> None:
        audit(
            "replay.started",
            subject=run.public_id,
            account=run.owner,
            after={
                "endpoint": encode_id("we", run.endpoint_id),
                "only": run.only,
                "since": moment_text(run.since),
                "until": moment_text(run.until),
                "rate": run.rate,
                "counted": counted.found,
            },
        )

    try:
        return start_replay(
            **asked,
            rate=rate,
            created_by=terminal_actor(),
            confirmed_count=counted.found,
            on_write=write_down,
        )
    except ReplayRefused as refused:
        if refused.field != "confirmed_count":
            raise
        raise CommandRefused(f"{capfirst(refused.reason)}.") from None


def _confirm(arguments: argparse.Namespace, counted: Counted, output: Output) -> None:
    """Raises CommandRefused: nobody said yes."""
    if arguments.yes or (counted.found <= arguments.confirm_above and not counted.more):
        return
    if not output.is_interactive:
        raise CommandRefused(
            f"{counted} is more than {arguments.confirm_above:,}; say --yes to replay them all."
        )
    if not output.ask(f"Replay {counted} deliveries?"):
        raise CommandRefused("Nothing was replayed.")


SUBCOMMAND = Subcommand(
    name="replay",
    help="after an outage, send again what an endpoint failed to take, or what it was never sent",
    description=(
        "Send an endpoint again what it failed to take, or for the first time what it was never sent. "
        "Counts first and asks "
        "where that is many; then dispatchers make one delivery after the other at the rate, and this "
        "command shows how far they "
        "are. Ctrl-C ends the showing and not the replay: webhooks replays watches, pauses, resumes and "
        "cancels it. Nothing that "
        "is under way is made twice. Exits 4 where it did not come to its end."
    ),
    add_arguments=_add_arguments,
    run=_replay,
    examples=(
        "replay --endpoint we_… --since 2h --dry-run",
        "replay --endpoint we_… --since 3d --only missing --rate 20/s",
    ),
)
