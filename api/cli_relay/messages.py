"""What goes over the WebSocket, in the words of the Stripe CLI's protocol `stripecli-devproxy-v1`.

Pure: rows and text in, text and values out.
"""

import json
import uuid
from dataclasses import dataclass
from typing import Any

from api.models import RequestLog
from api.redaction import storable
from core.redaction import without_secrets
from core.versions import STRIPE, render_event
from dispatcher.signing import SigningKeys
from outbox.errors import InvalidIdentifier
from outbox.facts import EventFacts
from outbox.identifiers import decode_id, encode_id

SUBPROTOCOL = "stripecli-devproxy-v1"
UNKNOWN_ID = "Unknown WebSocket ID."  # by these words the CLI knows that it needs a new session
_PREFIX = "clim"
_LONGEST_BODY = 8_192
_MOST_HEADERS = 40
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The CLI has got a message."""

    message_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardedAnswer:
    """What a developer's program answered to the event that the CLI forwarded."""

    message_id: uuid.UUID
    status: int
    body: str
    headers: str  # JSON
    forward_url: str


Word = Acknowledgement | ForwardedAnswer


def webhook_events(
    message_id: uuid.UUID,
    facts: EventFacts,
    *,
    api_version: str,
    keys: SigningKeys,
    now: float,
    user_agent: str,
) -> list[str]:
    """An event with the headers that a delivery of it would have, twice: the CLI takes one of the two.

    The one that names no version is of the session's, for `listen`; the other is of the latest, for
    `listen --latest`.
    """
    token = encode_id(_PREFIX, message_id)
    texts = []
    for version, named in ((api_version, None), (STRIPE, STRIPE)):
        body = render_event(facts, version)
        message = {
            "type": "webhook_event",
            "endpoint": {"api_version": named},
            "event_payload": body.decode(),
            "http_headers": {
                **keys.headers(message_id=facts.public_id, timestamp=int(now), body=body),
                "Content-Type": "application/json; charset=utf-8",
                "User-Agent": user_agent,
            },
            "webhook_conversation_id": token,
            "webhook_id": token,
        }
        texts.append(_compact(message))
    return texts


def request_log_event(message_id: uuid.UUID, row: RequestLog) -> str:
    """A line of the request log."""
    return _compact(
        {
            "type": "request_log_event",
            "request_log_id": encode_id(_PREFIX, message_id),
            "event_payload": _compact(
                {
                    "created_at": int(row.created_at.timestamp()),
                    "livemode": False,
                    "method": row.method,
                    "request_id": row.public_id,
                    "status": row.status,
                    "url": row.path,
                    "error": _error(row),
                }
            ),
        }
    )


def word_of(text: str) -> Word | None:
    """What the CLI says; None for what it says to nobody here, or of no message.

    Raises:
        ValueError: it is no JSON object.
    """
    try:
        said = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(said, dict):
        raise ValueError("no JSON object")  # noqa: TRY004 - the value is wrong, not our types
    match said.get("type"):
        case "event_ack":
            message_id = _message_id(said.get("event_token"))
            return None if message_id is None else Acknowledgement(message_id)
        case "webhook_response":
            return _answer(said)
        case _:
            return None


def _answer(said: dict[str, Any]) -> ForwardedAnswer | None:
    message_id, status = _message_id(said.get("webhook_conversation_id")), said.get("status")
    if message_id is None or not isinstance(status, int) or not 0 <= status <= 999:
        return None
    return ForwardedAnswer(
        message_id=message_id,
        status=status,
        body=_kept(said.get("body")),
        headers=_headers(said.get("http_headers")),
        forward_url=_kept(said.get("forward_url")),
    )


def _message_id(token: Any) -> uuid.UUID | None:
    try:
        return decode_id(_PREFIX, token) if isinstance(token, str) else None
    except InvalidIdentifier:
        return None


def _headers(given: Any) -> str:
    pairs = list(given.items())[:_MOST_HEADERS] if isinstance(given, dict) else []
    return _compact(
        {
            _kept(name): _kept(value)
            for name, value in pairs
            if name.lower() not in {"set-cookie", "authorization"}
        }
    )


def _kept(value: Any) -> str:
    """Text that PostgreSQL can hold, short, and without what looks like a secret."""
    text = value if isinstance(value, str) else ""
    return without_secrets(storable(text)[:_LONGEST_BODY])


def _error(row: RequestLog) -> dict[str, str]:
    """The log keeps an error's code; its type follows from that and from the status."""
    if row.status < 400:
        return {}
    code = row.error_code or ""
    if row.status >= 500:
        kind = "api_error"
    elif row.status == 402:
        kind = "card_error"
    elif code.startswith("idempotency_"):
        kind = "idempotency_error"
    else:
        kind = "invalid_request_error"
    return {"type": kind} if code in {"", kind} else {"type": kind, "code": code}
