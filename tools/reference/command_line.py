"""`manage.py webhooks`, subcommand by subcommand, from its parser."""

from __future__ import annotations

import argparse
from collections.abc import Iterator


def command_line(_: str) -> str:
    from api.command_line.parser import EXIT_CODES, SUBCOMMANDS

    lines = [EXIT_CODES, ""]
    for subcommand in SUBCOMMANDS:
        lines += _described(subcommand, f"{subcommand.name}", level=2)
    return "\n".join(lines)


def _described(subcommand: object, name: str, *, level: int) -> Iterator[str]:
    from api.command_line.subcommands import Subcommand

    assert isinstance(subcommand, Subcommand)
    yield from (f"{'#' * level} {name}", "", subcommand.description or f"{_sentence(subcommand.help)}", "")
    for child in subcommand.children:
        yield from _described(child, f"{name} {child.name}", level=level + 1)
    if subcommand.children:
        return
    parser = argparse.ArgumentParser(prog="", add_help=False)
    subcommand.add_arguments(parser)
    if actions := [action for action in parser._actions if action.help is not argparse.SUPPRESS]:  # noqa: SLF001 - argparse has no other way to list them
        yield from ("| argument | |", "| --- | --- |")
        for action in actions:
            yield f"| {_spelled(action)} | {_explained(action)} |"
        yield ""
    if subcommand.examples:
        yield from (
            "```sh",
            *(f"./manage.py webhooks {example}" for example in subcommand.examples),
            "```",
            "",
        )


def _spelled(action: argparse.Action) -> str:
    """`--since WHEN`, or the name of what has no flag."""
    metavar = action.metavar if isinstance(action.metavar, str) else None
    if not action.option_strings:
        shown = metavar or action.dest
        return f"`{shown}`" if action.required or action.nargs is None else f"`[{shown}]`"
    flags = ", ".join(f"`{flag}`" for flag in action.option_strings)
    if action.nargs == 0:
        return flags
    return f"{flags} `{metavar or action.dest.upper()}`"


def _explained(action: argparse.Action) -> str:
    text = str(action.help)
    if action.choices is not None and not all(str(choice) in text for choice in action.choices):
        text += f": {', '.join(f'`{choice}`' for choice in action.choices)}"
    if action.required and action.option_strings:
        text += "; must be given"
    return text.replace("|", "\\|")


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
