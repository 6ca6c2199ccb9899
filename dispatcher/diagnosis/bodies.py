"""What a body may have been before somebody changed it."""

import base64
import binascii
import html
import json
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from dispatcher.diagnosis.causes import Cause

_RAW = "Verify the bytes as they arrived, before anything reads them: "
_BOM = b"\xef\xbb\xbf"


def earlier_bodies(body: bytes) -> Iterator[tuple[bytes, Cause]]:
    """Each body that could have been changed into this one, and by what."""
    for candidate, cause in _candidates(body):
        if candidate is not None and candidate != body:
            yield candidate, cause


def _candidates(body: bytes) -> Iterator[tuple[bytes | None, Cause]]:
    yield (
        body.rstrip(b"\r\n"),
        Cause(
            "trailing_newline",
            "the body has a line break at its end that was not sent",
            "Read exactly Content-Length bytes; `echo` and many editors add a line break, `printf %s` does not.",
        ),
    )
    yield (
        body.strip(),
        Cause(
            "whitespace",
            "the body has blanks around it that were not sent",
            f"{_RAW}nothing may pad or indent it.",
        ),
    )
    yield (
        body.removeprefix(_BOM),
        Cause(
            "byte_order_mark",
            "the body begins with a byte order mark",
            "Write the file as UTF-8 without one.",
        ),
    )
    yield (
        body.replace(b"\r\n", b"\n"),
        Cause(
            "line_breaks",
            "line breaks were turned into CR LF",
            f"{_RAW}handle the body as bytes, not as text.",
        ),
    )
    yield (
        _serialised_again(body),
        Cause(
            "reserialised",
            "the body is the same JSON in other bytes: it was parsed and serialised again",
            f"{_RAW}request.get_data() in Flask, request.body in Django, express.raw() in Express, "
            "$request->getContent() in Laravel, request.raw_post in Rails.",
        ),
    )
    yield (
        _within_json(body),
        Cause(
            "quoted", "the body is a JSON string that holds the JSON", f"{_RAW}it was serialised as a string."
        ),
    )
    yield (
        _decoded(body),
        Cause(
            "base64",
            "the body is base64 of what was sent",
            "Decode it first; API Gateway and its like say so with isBase64Encoded.",
        ),
    )
    yield (
        html.unescape(body.decode(errors="surrogateescape")).encode(errors="surrogateescape"),
        Cause("html_escaped", "the body is escaped for HTML", f"{_RAW}no template, no sanitiser."),
    )
    yield (
        unquote_to_bytes(body.replace(b"+", b" ")) if b"%" in body else None,
        Cause("url_encoded", "the body is URL-encoded", f"{_RAW}it was read as a form."),
    )
    yield (
        _once_less_encoded(body),
        Cause(
            "encoded_twice",
            "the body was decoded as Latin-1 and encoded as UTF-8",
            f"{_RAW}or decode it as UTF-8, whatever the Content-Type says.",
        ),
    )


def is_cut_off(body: bytes) -> bool:
    """Whether it begins as JSON and breaks off."""
    try:
        json.loads(body.decode(errors="replace"))
    except json.JSONDecodeError as error:
        begins = error.doc.lstrip()[:1] in ("{", "[")
        at_the_end = error.pos >= len(error.doc.rstrip()) - 1
        return begins and (at_the_end or error.msg.startswith("Unterminated string"))
    except ValueError:
        return False
    return False


def difference(body: bytes, sent: bytes) -> Cause:
    """How a body differs from the one that was sent, where nothing above explains it."""
    if sent.startswith(body):
        return Cause(
            "truncated",
            f"the body is cut off: {len(body):,} of {len(sent):,} bytes",
            "Read the whole body: Content-Length bytes, in as many reads as it takes; raise a limit of the proxy's.",
        )
    if _parsed(body) is not None and _parsed(body) == _parsed(sent):
        return Cause(
            "reserialised",
            "the body is the same JSON in other bytes: it was parsed and serialised again, its members sorted",
            f"{_RAW}see the snippets for your framework.",
        )
    place = next((n for n, pair in enumerate(zip(body, sent, strict=False)) if pair[0] != pair[1]), len(sent))
    return Cause(
        "body_changed",
        f"the body is not what was sent: it differs from byte {place:,} on ({len(body):,} bytes instead of "
        f"{len(sent):,})",
        f"{_RAW}something on the way changed it.",
    )


def _parsed(body: bytes) -> object | None:
    try:
        parsed: object = json.loads(body)
    except ValueError:
        return None
    return parsed


def _serialised_again(body: bytes) -> bytes | None:
    """Compact, members in their order, nothing escaped that need not be: as bodies are rendered."""
    parsed = _parsed(body)
    if not isinstance(parsed, dict | list):
        return None
    return json.dumps(parsed, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass")


def _within_json(body: bytes) -> bytes | None:
    parsed = _parsed(body)
    return parsed.encode(errors="surrogatepass") if isinstance(parsed, str) else None


def _decoded(body: bytes) -> bytes | None:
    try:
        return base64.b64decode(body.strip(), validate=True) or None
    except (binascii.Error, ValueError):
        return None


def _once_less_encoded(body: bytes) -> bytes | None:
    try:
        return body.decode().encode("latin-1")
    except (UnicodeDecodeError, UnicodeEncodeError):
        return None
