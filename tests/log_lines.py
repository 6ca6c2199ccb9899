"""What docs/reference/logs.md says of log lines, and what of a log it does not."""

import json
import re
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference" / "logs.md"
COMMON = {"event", "timestamp", "level"}
_ROW = re.compile(r"(?m)^\| `([\w.]+)` \| [^|]+ \| ([^|]+) \| ([^|]*) \|")


def documented() -> dict[str, tuple[str, set[str]]]:
    """Event → its level and its fields."""
    return {
        event: (level.strip(), set(re.findall(r"`(\w+)`", fields)))
        for event, level, fields in _ROW.findall(PAGE.read_text())
    }


def complaints(lines: Iterable[str]) -> list[str]:
    """Lines that are no JSON objects, or tell what the page does not."""
    known = documented()
    found = []
    for line in lines:
        try:
            told = json.loads(line)
        except ValueError:
            found.append(f"no JSON: {line}")
            continue
        level, fields = known.get(told.get("event"), ("", set()))
        if not level:
            found.append(f"no event of the page: {line}")
        elif surplus := told.keys() - fields - COMMON:
            found.append(f"{surplus} not on the page: {line}")
        elif level not in {"any", told.get("level", "none")}:
            found.append(f"another level: {line}")
    return found
