"""`webhooks replays …`: replays that were begun, wherever that was."""

import argparse
from collections.abc import Callable
from datetime import UTC, datetime

from django.db import transaction

from api.command_line.arguments import bounded, endpoint_id, replay_id
from api.command_line.audit import audit
from api.command_line.errors import ExitCode
from api.command_line.moments import moment_text, shown_moment
from api.command_line.output import Column, Line, Output, Tone, joined, toned
from api.command_line.subcommands import Subcommand
from core.stop_signal import StopSignal
from dispatcher.models import ReplayState
from dispatcher.processes import Liveness, known_processes
from dispatcher.replay_runs import (
    MAX_LISTED,
    ReplayRun,
    cancel_replay,
    get_replay,
    list_replays,
    pause_replay,
    resume_replay,
)
from outbox.identifiers import encode_id

_LOOK_EVERY = 0.2  # seconds
_LISTED = 20
_TONES = {
    ReplayState.RUNNING: Tone.STRONG,
    ReplayState.PAUSED: Tone.WARNING,
    ReplayState.FINISHED: Tone.GOOD,
    ReplayState.CANCELLED: Tone.WARNING,
    ReplayState.FAILED: Tone.BAD,
}


def show_run(run: ReplayRun, output: Output) -> int:
    output.record(_fields(run), *_lines(run))
    return ExitCode.FINE


def watch_run(run: ReplayRun, output: Output) -> int:
    """Until it is over, or somebody has seen enough; 4 where it did not come to its end."""
    if run.running and not any(one.liveness is Liveness.ALIVE for one in known_processes()):
        output.warning(
            "No dispatcher is running; the replay waits for one. Start it: manage.py run_dispatcher"
        )
    stop = StopSignal()
    stop.listen()
    with output.progress("replayed", 0 if run.counted is None else run.counted.found) as tally:
        while run.running and not stop.requested:
            stop.wait(_LOOK_EVERY)
            run = get_replay(replay_id=run.id)
            tally.reach(run.made)
    show_run(run, output)
    if run.running:
        output.talk(f"It goes on. Watch it: webhooks replays watch {run.public_id}; or pause or cancel it.")
    return ExitCode.FINE if run.running or run.state == ReplayState.FINISHED else ExitCode.FAILURES


def _add_list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--endpoint", metavar="we_…", type=endpoint_id, help="to this endpoint alone")
    parser.add_argument("--state", choices=ReplayState.values, help="in this state alone")
    parser.add_argument(
        "--limit",
        metavar="N",
        type=bounded(1, MAX_LISTED),
        default=_LISTED,
        help=f"at most so many (default: {_LISTED})",
    )


def _list(arguments: argparse.Namespace, output: Output) -> int:
    runs = list_replays(endpoint_id=arguments.endpoint, state=arguments.state, limit=arguments.limit)
    output.table(
        [
            Column("id"),
            Column("endpoint"),
            Column("only"),
            Column("state"),
            Column("made", right=True),
            Column("by", whole=False),
        ],
        [(_fields(run), _cells(run)) for run in runs],
        nothing="There is none. Begin one: manage.py webhooks replay --endpoint we_… --since 2h",
    )
    return ExitCode.FINE


def _add_one(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("replay", metavar="rpl_…", type=replay_id, help="the replay")


def _show(arguments: argparse.Namespace, output: Output) -> int:
    return show_run(get_replay(replay_id=arguments.replay), output)


def _watch(arguments: argparse.Namespace, output: Output) -> int:
    return watch_run(get_replay(replay_id=arguments.replay), output)


def _changing(change: Callable[..., ReplayRun], action: str) -> Callable[[argparse.Namespace, Output], int]:
    def run(arguments: argparse.Namespace, output: Output) -> int:
        before = get_replay(replay_id=arguments.replay)
        with transaction.atomic():
            after = change(replay_id=arguments.replay)
            if after.state != before.state:
                audit(
                    action,
                    subject=after.public_id,
                    account=after.owner,
                    before={"state": str(before.state)},
                    after={"state": str(after.state)},
                )
        if after.state == before.state:
            output.talk(f"{after.public_id} is {after.state} already; nothing is changed.")
        return show_run(after, output)

    return run


def _fields(run: ReplayRun) -> dict[str, object]:
    return {
        "replay": run.public_id,
        "account": run.owner,
        "endpoint": encode_id("we", run.endpoint_id),
        "only": run.only,
        "since": moment_text(run.since),
        "until": moment_text(run.until),
        "rate": run.rate,
        "state": str(run.state),
        "reason": run.reason,
        "found": None if run.counted is None else run.counted.found,
        "more": None if run.counted is None else run.counted.more,
        "made": run.made,
        "first_due_at": moment_text(run.first_due_at),
        "last_due_at": moment_text(run.last_due_at),
        "created_by": run.created_by,
        "created_at": moment_text(run.created_at),
        "finished_at": moment_text(run.finished_at),
    }


def _lines(run: ReplayRun) -> list[Line]:
    now = datetime.now(UTC)
    why = f": {run.reason}" if run.reason else ""
    last = f"; the last is due at {shown_moment(run.last_due_at, now)}" if run.last_due_at else ""
    return [
        joined(toned(run.public_id, Tone.STRONG), "  ", _state(run), why),
        f"  {_progress(run)} made{last}",
        f"  {run.only} since {shown_moment(run.since, now)}, to {encode_id('we', run.endpoint_id)} at {run.rate:g}/s",
        f"  begun by {run.created_by or 'nobody known'}, {shown_moment(run.created_at, now)}",
    ]


def _cells(run: ReplayRun) -> list[Line]:
    return [
        run.public_id,
        encode_id("we", run.endpoint_id),
        run.only,
        _state(run),
        _progress(run),
        run.created_by,
    ]


def _state(run: ReplayRun) -> Line:
    return toned(str(run.state), _TONES[ReplayState(run.state)])


def _progress(run: ReplayRun) -> str:
    return f"{run.made:,}" if run.counted is None else f"{run.made:,} of {run.counted}"


SUBCOMMAND = Subcommand(
    name="replays",
    help="list, show, watch, pause, resume and cancel replays",
    children=(
        Subcommand(
            name="list",
            help="replays of all accounts, newest first",
            add_arguments=_add_list,
            run=_list,
            examples=("replays list --state running",),
        ),
        Subcommand(
            name="show",
            help="one replay as it stands",
            add_arguments=_add_one,
            run=_show,
            examples=("replays show rpl_…",),
        ),
        Subcommand(
            name="watch",
            help="show how far a replay is, until it is over",
            description="Show how far a replay is, until it is over or paused. Ctrl-C ends the showing "
            "and not the replay. Exits 4 "
            "where it did not come to its end.",
            add_arguments=_add_one,
            run=_watch,
            examples=("replays watch rpl_…",),
        ),
        Subcommand(
            name="pause",
            help="make no more of its deliveries for now",
            description="Make no more of its deliveries for now; those of the next ten seconds are made already.",
            add_arguments=_add_one,
            run=_changing(pause_replay, "replay.paused"),
            examples=("replays pause rpl_…",),
        ),
        Subcommand(
            name="resume",
            help="go on with a replay that was paused or failed",
            add_arguments=_add_one,
            run=_changing(resume_replay, "replay.resumed"),
            examples=("replays resume rpl_…",),
        ),
        Subcommand(
            name="cancel",
            help="make no more of its deliveries, for good; what it made stays",
            add_arguments=_add_one,
            run=_changing(cancel_replay, "replay.cancelled"),
            examples=("replays cancel rpl_…",),
        ),
    ),
)
