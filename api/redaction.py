"""Parameters as the request log keeps them: secrets out, size capped."""

import json
import re
from collections.abc import Mapping
from typing import Any

MAX_BYTES = 8_192
REDACTED = "[redacted]"
_SECRET_NAME = re.compile(
    r"secret|passw|token|bearer|api_?key|authorization|number|cvc|cvv|iban", re.IGNORECASE
)
_SECRET_TEXT = re.compile(r"\b(?:sk|rk)_(?:test|live)_\w+|\bwhsec_[\w+/=]+|\b(?:pi|seti)_\w+_secret_\w+")
# Thirteen to nineteen digits, in groups or not: a card's number, wherever somebody wrote it.
_CARD_NUMBER = re.compile(r"\b\d(?:[ .\u00a0-]?\d){12,18}\b")
# What a URL may carry beside its address: user and password, and whatever its owner put into the query.
_URL_USER = re.compile(r"(?<=://)[^/\s@]+@")
_URL_QUERY = re.compile(r"(\bhttps?://[^\s?#]+)[?#]\S+")


def redacted_text(parameters: Any) -> str | None:
    """JSON text of at most MAX_BYTES, or None where nothing was given."""
    if not parameters:
        return None
    text = json.dumps(_redacted(parameters), ensure_ascii=False, separators=(",", ":"), default=str)
    encoded = text.encode()
    if len(encoded) <= MAX_BYTES:
        return text
    return encoded[:MAX_BYTES].decode(errors="ignore") + "…"


def storable(text: str) -> str:
    """Text from outside may hold what PostgreSQL's cannot."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


def without_secrets(text: str) -> str:
    """Text with what looks like a key, a signing secret or a card number taken out."""
    text = _URL_QUERY.sub(rf"\1?{REDACTED}", _URL_USER.sub(f"{REDACTED}@", text))
    return _CARD_NUMBER.sub(REDACTED, _SECRET_TEXT.sub(REDACTED, text))


def _redacted(value: Any) -> Any:
    match value:
        case Mapping():
            return {
                without_secrets(str(name)): REDACTED if _SECRET_NAME.search(str(name)) else _redacted(member)
                for name, member in value.items()
            }
        case list():
            return [_redacted(member) for member in value]
        case str():
            return without_secrets(value)
        case _:
            return value
