"""`webhooks completion bash|zsh`: a script that completes the rest."""

import argparse
import re

import shtab

from api.command_line.output import Output
from api.command_line.subcommands import Subcommand

SHELLS = ("bash", "zsh")


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, help="whose")


def _complete(arguments: argparse.Namespace, output: Output) -> int:
    # Imported within: the parser holds this module.
    from api.command_line.parser import SUBCOMMANDS, whole_parser

    script = shtab.complete(whole_parser(described=False), arguments.shell)
    if arguments.shell == "zsh":
        script = _without_grandchildren(script, {one.name for one in SUBCOMMANDS})
    output.text(script)
    return 0


def _without_grandchildren(script: str, names: set[str]) -> str:
    """Without the subcommands of subcommands in the list of `webhooks`, where shtab 1.13 puts them for zsh too."""
    start = script.index("_webhooks_commands() {")
    end = script.index("_describe", start)
    kept = [
        line
        for line in script[start:end].splitlines(keepends=True)
        if not (entry := re.match(r"    ([a-z-]+):", line)) or entry[1] in names
    ]
    return script[:start] + "".join(kept) + script[end:]


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
