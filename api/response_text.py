"""What a merchant's server answered, as text that is safe to show: escaped, and without secrets."""

import re

from core.redaction import REDACTED, without_secrets

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SECRET_HEADER = re.compile(
    r"^(?P<name>set-cookie2?|cookie|authorization|proxy-authorization|(?:www|proxy)-authenticate|x-api-key"
    r"|[\w-]*(?:token|secret|signature)[\w-]*)[ \t]*:.*$",
    re.IGNORECASE | re.MULTILINE,
)


def response_text(response: bytes) -> str:
    """Head and body. Bytes that are no UTF-8 and control characters are shown as `\\x..`."""
    head, separator, body = response.partition(b"\r\n\r\n")
    lines = _SECRET_HEADER.sub(
        lambda match: f"{match['name']}: {REDACTED}", _text(head.replace(b"\r\n", b"\n"))
    )
    return without_secrets(lines + ("\n\n" if separator else "") + _text(body.replace(b"\r\n", b"\n")))


def _text(raw: bytes) -> str:
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", raw.decode(errors="backslashreplace"))
