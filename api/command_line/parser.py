"""The parser of `manage.py webhooks`, put together from its subcommands."""

import argparse
import sys
import textwrap
from functools import partial
from typing import NoReturn

from django.core.management.base import CommandParser
from django.utils.text import capfirst

from api.command_line import (
    completion,
    doctor,
    endpoints,
    keys,
    listen,
    probe,
    replay,
    replays,
    resend,
    rotate_secret,
    status,
    tail,
    trace,
    trigger,
    verify,
)
from api.command_line.errors import ExitCode
from api.command_line.output import Output
from api.command_line.subcommands import Subcommand

PROGRAM = "manage.py"
DESCRIPTION = (
    "Receive, cause, watch, resend, verify and explain webhooks. Standard output is data, standard error "
    "is talk: tables "
    "and lines on a terminal, one JSON object a line elsewhere."
)
EXIT_CODES = (
    "Exit codes: 0 fine, 1 error, 2 a wrong argument or setting, 3 database or broker out of reach, "
    "4 finished with failures."
)
_WIDTH = 96

SUBCOMMANDS: tuple[Subcommand, ...] = (
    listen.SUBCOMMAND,
    trigger.SUBCOMMAND,
    tail.SUBCOMMAND,
    resend.SUBCOMMAND,
    replay.SUBCOMMAND,
    replays.SUBCOMMAND,
    verify.SUBCOMMAND,
    probe.SUBCOMMAND,
    trace.SUBCOMMAND,
    status.SUBCOMMAND,
    doctor.SUBCOMMAND,
    endpoints.SUBCOMMAND,
    rotate_secret.SUBCOMMAND,
    keys.SUBCOMMAND,
    completion.SUBCOMMAND,
)


def add_subcommands(parser: argparse.ArgumentParser, *, described: bool = True) -> None:
    """All of them, to the parser of `webhooks`.

    Args:
        described: with descriptions. Of one of several lines a completing shell would show the first, in place of
            the help.
    """
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = textwrap.fill(EXIT_CODES, _WIDTH)
    _add(parser, SUBCOMMANDS, described=described)


def whole_parser(*, described: bool = True) -> argparse.ArgumentParser:
    """`manage.py` with `webhooks` alone: for the reference, and for completion."""
    root = argparse.ArgumentParser(prog=PROGRAM)
    webhooks = root.add_subparsers(metavar="COMMAND").add_parser("webhooks", help=DESCRIPTION)
    add_subcommands(webhooks, described=described)
    return root


def _add(parser: argparse.ArgumentParser, subcommands: tuple[Subcommand, ...], *, described: bool) -> None:
    parser.set_defaults(run=partial(_help, parser))
    choice = parser.add_subparsers(metavar="SUBCOMMAND", title="subcommands", parser_class=_Parser)
    for subcommand in subcommands:
        child = choice.add_parser(
            subcommand.name,
            help=subcommand.help,
            description=_description(subcommand) if described else None,
            epilog=_examples(subcommand),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if subcommand.children:
            _add(child, subcommand.children, described=described)
            continue
        subcommand.add_arguments(child)
        shape = child.add_mutually_exclusive_group()
        shape.add_argument("--json", action="store_true", help="one JSON object a line, also on a terminal")
        shape.add_argument(
            "--text", action="store_true", help="for people, also where standard output is no terminal"
        )
        child.set_defaults(run=subcommand.run)


def _help(parser: argparse.ArgumentParser, arguments: argparse.Namespace, output: Output) -> int:
    """Where no subcommand is named: which ones there are."""
    del arguments
    output.talk(parser.format_help().rstrip())
    return ExitCode.USAGE


class _Parser(CommandParser):
    """Refuses in one sentence, as everything else of this command does, and names where more is written."""

    def error(self, message: str) -> NoReturn:
        if not self.called_from_command_line:
            super().error(message)
        output = Output(stdout=sys.stdout, stderr=sys.stderr)
        output.error(message)
        output.talk(f"Its arguments: {self.prog} --help")
        raise SystemExit(int(ExitCode.USAGE))


def _description(subcommand: Subcommand) -> str:
    described = subcommand.description or f"{subcommand.help}."
    return textwrap.fill(capfirst(described), _WIDTH)


def _examples(subcommand: Subcommand) -> str | None:
    if not subcommand.examples:
        return None
    return "examples:\n" + "\n".join(f"  {PROGRAM} webhooks {example}" for example in subcommand.examples)
