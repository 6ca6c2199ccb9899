"""What a subcommand is."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from api.command_line.output import Output

Run = Callable[[argparse.Namespace, Output], int]


def _nothing(parser: argparse.ArgumentParser) -> None:
    """No arguments but those that all have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subcommand:
    """One word after `webhooks`; what the parser, the reference and the completion are made from."""

    name: str
    help: str  # one line, without a full stop
    description: str = ""  # more of it, in sentences
    add_arguments: Callable[[argparse.ArgumentParser], None] = _nothing
    run: Run | None = None  # the exit code; None where it has children
    children: tuple["Subcommand", ...] = ()
    examples: tuple[str, ...] = ()  # without `manage.py webhooks`
