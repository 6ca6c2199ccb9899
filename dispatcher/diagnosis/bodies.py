"""What a body may have been before somebody changed it."""

import ast
import base64
import binascii
import codecs
import html
import json
import unicodedata
import zlib
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from dispatcher.diagnosis.causes import Cause

_RAW = "Verify the bytes as they arrived, before anything reads them: "
_BOM = b"\xef\xbb\xbf"
_LARGEST = 16 * 1024 * 1024  # bytes that a compressed body may become


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
    # Before what reads JSON: Python's reader takes UTF-16 as well.
    yield (
        _from_utf_16(body),
        Cause("utf_16", "the body was written as UTF-16", "Write the file as UTF-8, as it arrived."),
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
    yield (
        _written_by_python(body),
        Cause(
            "python_repr",
            "the body is what Python shows of it, str() of a dict or of bytes",
            f"{_RAW}request.get_data() in Flask, request.body in Django.",
        ),
    )
    yield (
        _unpacked(body),
        Cause(
            "compressed", "the body is compressed with gzip", "Unpack it first, or keep the proxy from it."
        ),
    )
    yield (
        unicodedata.normalize("NFC", body.decode(errors="surrogateescape")).encode(errors="surrogateescape"),
        Cause(
            "normalised",
            "accents in the body were taken apart from their letters (Unicode NFD)",
            f"{_RAW}as bytes.",
        ),
    )


def no_body(body: bytes) -> Cause | None:
    """What is wrong with a body that none of ours can have become."""
    if not body.strip():
        return Cause(
            "body_empty",
            "the body is empty: something had read it already",
            f"{_RAW}of a stream that was read nothing is left.",
        )
    if body.strip() == b"[object Object]":
        return Cause(
            "reserialised",
            "the body is [object Object]: JavaScript's text for what was parsed",
            f"{_RAW}express.raw() in Express, before express.json().",
        )
    return None


def of_another(body: bytes, event_id: str | None) -> Cause | None:
    """Whether a body is that of another event than the headers name."""
    named = _named_event(body)
    if named is None or event_id is None or named == event_id:
        return None
    return Cause(
        "other_delivery",
        f"the headers are of {event_id[:40]}, the body is of {named[:40]}",
        "Keep a request's headers and its body together; take both from one line of the log.",
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
    if _without_accents(sent, body):
        return Cause(
            "characters_lost",
            "characters beyond ASCII became ? or \ufffd: the body was decoded in another character set",
            f"{_RAW}or decode it as UTF-8, whatever the Content-Type says.",
        )
    place = next((n for n, pair in enumerate(zip(body, sent, strict=False)) if pair[0] != pair[1]), len(sent))
    return Cause(
        "body_changed",
        f"the body is not what was sent: it differs from byte {place:,} on ({len(body):,} bytes instead of "
        f"{len(sent):,})",
        f"{_RAW}something on the way changed it.",
    )


def _named_event(body: bytes) -> str | None:
    """The id that a body gives its event."""
    parsed = _parsed(body)
    named = parsed.get("id") if isinstance(parsed, dict) else None
    return named if isinstance(named, str) else None


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


def _from_utf_16(body: bytes) -> bytes | None:
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        codec = "utf-16"
    elif b"\0" in body[:4]:
        codec = "utf-16-be" if body.startswith(b"\0") else "utf-16-le"
    else:
        return None
    try:
        return body.decode(codec).encode()
    except (UnicodeDecodeError, UnicodeEncodeError):
        return None


def _written_by_python(body: bytes) -> bytes | None:
    if not body.startswith((b"{'", b"b'", b'b"')):
        return None
    try:
        value = ast.literal_eval(body.decode())
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    if isinstance(value, bytes):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass")


def _unpacked(body: bytes) -> bytes | None:
    if not body.startswith(b"\x1f\x8b"):
        return None
    try:
        return zlib.decompressobj(wbits=31).decompress(body, _LARGEST)
    except zlib.error:
        return None


def _without_accents(sent: bytes, body: bytes) -> bool:
    """Whether the body is what was sent but for characters beyond ASCII, each or each byte of it replaced."""
    text = sent.decode(errors="replace")
    by_byte = sent.decode("ascii", "replace")
    return body in {
        text.encode("ascii", "replace"),
        "".join(one if one.isascii() else "\ufffd" for one in text).encode(),
        by_byte.encode(),
        by_byte.replace("\ufffd", "?").encode(),
    } - {sent}
