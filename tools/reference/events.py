"""The catalogue of events."""

from __future__ import annotations

from core.versions import EVENT_TYPES, PLAIN, shown_event_type


def event_types(_: str) -> str:
    lines = ["| event | plain dialect | tells |", "| --- | --- | --- |"]
    for name, tells in EVENT_TYPES.items():
        plain = shown_event_type(name, PLAIN)
        lines.append(f"| `{name}` | {'the same' if plain == name else f'`{plain}`'} | {tells} |")
    return "\n".join(lines)
