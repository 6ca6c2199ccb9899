"""Rows of hand-written tables whose facts the code knows: people write what a setting is for, the code its default.

A page of `FACTS` has tables with one row a name; a second row of the same name, further down, is about something else.
The cells after the name are the code's, as many as it gives; those behind them are people's, and stay.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ROOT / "core" / "settings.py"
# Calls of core/settings.py that read a variable, besides those of `env`.
READERS = {"seconds", "days"}
ROW = re.compile(r"(?m)^\| `(\w+)` \|(.*)\|$")

Facts = Mapping[str, list[str]]  # by the name in the first cell: the cells after it


def with_facts(page: str, text: str) -> str:
    """The page with the code's cells as they are now.

    Raises:
        SystemExit: a name of the code has no row, so nobody has written what it is for.
    """
    known = FACTS.get(page)
    if known is None:
        return text
    facts = dict(known())
    missing = set(facts) - {found[1] for found in ROW.finditer(text)}
    if missing:
        raise SystemExit(f"docs/{page} has no row for {', '.join(sorted(missing))}: say what it is for")

    def renewed(found: re.Match[str]) -> str:
        mine = facts.pop(found[1], None)
        if mine is None:
            return found[0]
        theirs = re.split(r"(?<!\\)\|", found[2])[len(mine) :]
        cells = [f" {cell} " if cell else " " for cell in mine] + theirs
        return f"| `{found[1]}` |{'|'.join(cells)}|"

    return ROW.sub(renewed, text)


def settings() -> Facts:
    return {
        name: [f"`{text}`" if (text := shown(default)) else "none"]
        for name, default in read_variables().items()
    }


def read_variables() -> dict[str, Any]:
    """Each environment variable that core/settings.py reads, with its default there."""
    found: dict[str, Any] = {}
    for node in ast.walk(ast.parse(SETTINGS.read_text())):
        if not (isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)):
            continue
        name, function = node.args[0].value, ast.unparse(node.func)
        if isinstance(name, str) and name.isupper() and (function.startswith("env.") or function in READERS):
            given = [keyword.value for keyword in node.keywords if keyword.arg == "default"] + node.args[1:]
            found[name] = ast.literal_eval(given[0]) if given else None
    return found


def shown(value: Any) -> str:
    """A default as a person writes it into .env: `5.0` is `5`, a list its members, None nothing."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case list():
            return ",".join(value)
        case int() | float():
            return f"{value:.12g}"
        case _:
            return str(value)


def metrics() -> Facts:
    import api.cli_relay.metrics
    import api.metrics
    import core.metrics
    import dispatcher.metrics

    catalogues = (api.metrics, dispatcher.metrics, core.metrics, api.cli_relay.metrics)
    return {
        one.name: [one.type, ", ".join(f"`{label}`" for label in one.labels)]
        for catalogue in catalogues
        for one in catalogue.CATALOGUE
    }


FACTS: dict[str, Callable[[], Facts]] = {
    "reference/settings.md": settings,
    "reference/metrics.md": metrics,
}
