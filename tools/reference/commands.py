"""How each command of manage.py is called, by its own parser, below its heading on the page of commands."""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Iterator

PAGE = "reference/commands.md"
ROOMS = ("outbox", "dispatcher", "core", "api")
HEADING = re.compile(r"(?ms)^## (\w+)\n\n(?:<!-- usage -->\n```text\n.*?```\n\n)?")
WIDTH = 84


def with_usage(page: str, text: str) -> str:
    """The page with the usage of each command as it is now. Other pages stay as they are."""
    if page != PAGE:
        return text

    def renewed(found: re.Match[str]) -> str:
        usage = _usage(found[1])
        return found[0] if usage is None else f"## {found[1]}\n\n<!-- usage -->\n```text\n{usage}\n```\n\n"

    return HEADING.sub(renewed, text)


def _usage(name: str) -> str | None:
    from django.core.management import get_commands, load_command_class
    from django.core.management.base import BaseCommand

    room = get_commands().get(name)
    if room not in ROOMS:
        return None
    parser = load_command_class(str(room), name).create_parser("manage.py", name)
    djangos = {
        flag for action in BaseCommand().create_parser("", "")._actions for flag in action.option_strings
    }
    words = [f"manage.py {name}", *_arguments(parser, djangos)]
    # A flag and its value stay on one line.
    joined = " ".join(word.replace(" ", "\u00a0") for word in words)
    return textwrap.fill(joined, WIDTH, subsequent_indent="    ", break_on_hyphens=False).replace(
        "\u00a0", " "
    )


def _arguments(parser: argparse.ArgumentParser, djangos: set[str]) -> Iterator[str]:
    subcommands = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    if subcommands:
        yield "SUBCOMMAND …"
        return
    chosen = {id(one): group for group in parser._mutually_exclusive_groups for one in group._group_actions}
    told: set[int] = set()
    for action in parser._actions:
        if set(action.option_strings) & djangos:
            continue
        group = chosen.get(id(action))
        if group is None:
            shown = _shown(action)
            yield shown if action.required else f"[{shown}]"
        elif id(group) not in told:
            told.add(id(group))
            either = " | ".join(_shown(one) for one in group._group_actions)
            yield f"({either})" if group.required else f"[{either}]"


def _shown(action: argparse.Action) -> str:
    if not action.option_strings:
        return str(action.metavar or action.dest.upper())
    flag = action.option_strings[-1]
    if action.nargs == 0:
        return flag
    values = (
        "|".join(map(str, action.choices)) if action.choices else str(action.metavar or action.dest.upper())
    )
    return f"{flag} {values}{' …' if action.nargs in {'+', '*'} else ''}"
