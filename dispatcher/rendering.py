"""The body of a delivery where the project names no renderer of its own."""

import json

from outbox.facts import EventFacts


def render_event(event: EventFacts, api_version: str) -> bytes:
    """`{"id", "type", "created", "data"}` in compact JSON; `data` holds the recorded texts, byte for byte."""
    head = json.dumps(
        {
            "id": event.public_id,
            "object": "event",
            "api_version": api_version,
            "type": event.type,
            "created": int(event.created_at.timestamp()),
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )
    previous = "" if event.previous is None else f',"previous_attributes":{event.previous}'
    return f'{head[:-1]},"data":{{"object":{event.data}{previous}}}}}'.encode()
