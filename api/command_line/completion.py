"""`webhooks completion bash|zsh`: a script that completes the rest."""

import argparse

import shtab

from api.command_line.output import Output
from api.command_line.subcommands import Subcommand

SHELLS = ("bash", "zsh")


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, help="whose")


def _complete(arguments: argparse.Namespace, output: Output) -> int:
    # Imported within: the parser holds this module.
    from api.command_line.parser import whole_parser

    output.text(shtab.complete(whole_parser(), arguments.shell))
    return 0


SUBCOMMAND = Subcommand(
    name="completion",
    help="print a script that completes subcommands and flags in bash or zsh",
    description="Print a script that completes `./manage.py webhooks …` in bash or zsh.",
    add_arguments=_add_arguments,
    run=_complete,
    examples=(
        "completion bash > /etc/bash_completion.d/ministripe",
        'completion zsh > "${fpath[1]}/_manage.py"',
    ),
)
