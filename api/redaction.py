"""Parameters as the request log keeps them: secrets out, size capped."""

import json
import re
from collections.abc import Mapping
from typing import Any

from core.redaction import REDACTED, without_secrets

MAX_BYTES = 8_192
_SECRET_NAME = re.compile(
    r"secret|passw|token|bearer|api_?key|authorization|number|cvc|cvv|iban", re.IGNORECASE
)


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
