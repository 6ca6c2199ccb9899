"""The catalogue of events, and a body of each."""

from __future__ import annotations

import json

from api.event_catalogue import catalogue, entry
from core.versions import EVENT_TYPES, PLAIN, STRIPE, shown_event_type


def event_types(_: str) -> str:
    lines = ["| event | plain dialect | tells |", "| --- | --- | --- |"]
    for name, tells in EVENT_TYPES.items():
        plain = shown_event_type(name, PLAIN)
        lines.append(f"| `{name}` | {'the same' if plain == name else f'`{plain}`'} | {tells} |")
    return "\n".join(lines)


def event_payloads(_: str) -> str:
    """The examples that the portal shows too, in Stripe's dialect."""
    return "\n\n".join(
        f"## {name}\n\n{tells}\n\n```json\n{json.dumps(entry(name, STRIPE).example, indent=2, ensure_ascii=False)}\n```"
        for name, tells in catalogue(STRIPE)
    )
