"""`webhooks doctor`: everything that is known to go wrong, looked for."""

import argparse
from collections.abc import Iterator

from django.apps import apps
from django.core.checks import CheckMessage, run_checks

from api.command_line.errors import ExitCode
from api.command_line.output import Line, Output, Tone, joined, toned
from api.command_line.subcommands import Subcommand
from core.examination import LOOKS as OF_CORE
from dispatcher.examination import LOOKS as OF_DISPATCHER
from dispatcher.examination import look
from outbox.findings import PAGE, Finding, Level, Look, Seen, anchor

LOOKS: dict[str, Look] = {**OF_DISPATCHER, **OF_CORE}
_TONES = {Level.ERROR: Tone.BAD, Level.WARNING: Tone.WARNING}


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--only",
        metavar="LOOK",
        choices=["settings", *LOOKS],
        action="append",
        help="only this look; may be repeated",
    )
    parser.add_argument("--strict", action="store_true", help="exit 4 for warnings, too")


def _examine(arguments: argparse.Namespace, output: Output) -> int:
    levels = set()
    for name in arguments.only or ["settings", *LOOKS]:
        for seen in _settings() if name == "settings" else look(LOOKS[name]):
            output.record(_fields(name, seen), *_lines(name, seen))
            if seen.finding is not None:
                levels.add(seen.finding.level)
    if Level.ERROR in levels or (arguments.strict and levels):
        return ExitCode.FAILURES
    return ExitCode.FINE


def _settings() -> Iterator[Seen]:
    """What `manage.py check --deploy` tells of our own rooms, without asking the database."""
    rooms = {config.label for config in apps.get_app_configs()}
    messages = [
        message
        for message in run_checks(include_deployment_checks=True)
        if str(message.id).partition(".")[0] in rooms and not message.is_silenced()
    ]
    for message in messages:
        yield Seen(message.msg, _finding(message))
    if not messages:
        yield Seen("settings are sound")


def _finding(message: CheckMessage) -> Finding:
    """As its room made it; the link is its own member here."""
    known = f" More: {PAGE}#{anchor(str(message.id))}"
    return Finding(str(message.id), message.msg, str(message.hint or "").removesuffix(known))


def _fields(name: str, seen: Seen) -> dict[str, object]:
    found = seen.finding
    return {
        "look": name,
        "verdict": "ok" if found is None else found.level.value,
        "told": seen.told,
        "id": None if found is None else found.id,
        "remedy": None if found is None else found.remedy,
        "link": None if found is None else found.link,
    }


def _lines(name: str, seen: Seen) -> Iterator[Line]:
    found = seen.finding
    if found is None:
        yield joined(toned("ok      ", Tone.GOOD), f"{name:<11}{seen.told}")
        return
    yield joined(toned(f"{found.level.value:<8}", _TONES[found.level]), f"{name:<11}{seen.told}")
    yield joined(" " * 19, toned("→", Tone.QUIET), f" {found.remedy}")
    yield joined(" " * 19, toned(f"  {found.id}, {found.link}", Tone.QUIET))


SUBCOMMAND = Subcommand(
    name="doctor",
    help="look for everything that is known to go wrong, and say what to do",
    description=(
        "Look for everything that is known to go wrong: settings and how they fit together, the version "
        "and the settings of "
        "PostgreSQL, migrations, clocks, disk and WAL, dead rows, partitions, dispatchers, settlement, secrets, "
        "the broker, names, file limits. Changes "
        "nothing. Says what to do, with a link. Exits 4 where there is an error, with --strict for a "
        "warning too, and 3 where the "
        "database is out of reach."
    ),
    add_arguments=_add_arguments,
    run=_examine,
    examples=("doctor", "doctor --only clocks --only partitions --strict"),
)
