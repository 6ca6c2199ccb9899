"""Answers that went wrong: mutations of valid ones, the same for the same seed and number."""

import random
import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

_NUMBERS = (
    b"0",
    b"-1",
    b"1",
    b"00",
    b"+5",
    b"0x10",
    b"2147483648",
    b"9223372036854775808",
    b"9" * 40,
    b"1e9",
    b" ",
    b"",
)
_LINES = (
    b"Content-Length: 5", b"Content-Length: 5, 5", b"Content-Length: 99999", b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: identity", b"Connection: close",
    b"Connection: keep-alive, upgrade", b"Upgrade: h2c", b"Content-Encoding: gzip", b"Location: http://[::1/\x80",
    b"Retry-After: Fri, 31 Dec 9999 23:59:59 +2400", b"Retry-After: -1e99", b"Date: 0", b"Trailer: X",
    b"Set-Cookie: a=b; Domain=..", b"Alt-Svc: h3=\":443\"", b"Strict-Transport-Security: max-age=9", b": no name",
    b" folded", b"no colon", b"X\0Y: z", b"HTTP/1.1 100 Continue\r\n",
)  # fmt: skip
_DIGITS = re.compile(rb"[0-9]+")
_BREAKS = (b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n\r\n", b"\0\r\n", b"")


def _sized(status: bytes, body: bytes, *lines: bytes) -> bytes:
    return b"\r\n".join([b"HTTP/1.1 " + status, *lines, b"Content-Length: %d" % len(body), b"", body])


VALID = (
    _sized(b"200 OK", b"ok", b"Content-Type: text/plain", b"Server: nginx"),
    _sized(b"200 OK", b'{"received":true}', b"Content-Type: application/json; charset=utf-8"),
    _sized(b"201 Created", bytes(range(256)), b"Set-Cookie: a=b; Path=/", b"Set-Cookie: c=d"),
    _sized(b"200 OK", b"x" * 20_000, b"ETag: \"33a64df5\""),
    _sized(b"302 Found", b"", b"Location: https://shop.test/other?token=1"),
    _sized(b"400 Bad Request", b"<html>bad signature</html>", b"Content-Type: text/html"),
    _sized(b"404 Not Found", b"", b"Connection: close"),
    _sized(b"410 Gone", b""),
    _sized(b"429 Too Many Requests", b"", b"Retry-After: 120"),
    _sized(b"500 Internal Server Error", b"Traceback (most recent call last):\n  ..."),
    _sized(b"503 Busy", b"", b"Date: Sun, 22 Nov 2026 10:00:00 GMT", b"Retry-After: Sun, 22 Nov 2026 10:01:30 GMT"),
    b"HTTP/1.1 204 No Content\r\nX-Request-Id: 42\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nWiki\r\n6;a=b\r\npedia \r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n" + _sized(b"200 OK", b"ok"),
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + _sized(b"202 Accepted", b""),
    b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nup to the end",
)  # fmt: skip


class Ending(StrEnum):
    """What becomes of the connection behind an answer."""

    KEPT = "kept"  # closed if no other request comes soon
    CLOSED = "closed"
    RESET = "reset"
    HELD = "held"  # open until the other side gives up


_ENDINGS = (Ending.KEPT, Ending.CLOSED, Ending.RESET, Ending.HELD)
_ENDING_WEIGHTS = (70, 20, 9, 1)


@dataclass(frozen=True, slots=True)
class Mutant:
    """An answer in the pieces in which it is sent, and its connection's end."""

    pieces: tuple[bytes, ...]
    ending: Ending


def mutant(seed: int, number: int) -> Mutant:
    """The answer of this number: one to four mutations of a valid one."""
    chance = random.Random(seed << 32 | number)
    data = chance.choice(VALID)
    for _ in range(chance.randint(1, 4)):
        data = chance.choice(_MUTATIONS)(data, chance)
    ending = chance.choices(_ENDINGS, _ENDING_WEIGHTS)[0]
    if chance.random() < 0.25 and len(data) > 1:
        cut = chance.randrange(1, len(data))
        return Mutant((data[:cut], data[cut:]), ending)
    return Mutant((data,), ending)


def _place(data: bytes, chance: random.Random) -> int:
    """Mostly in the head, where parsers decide."""
    end = data.find(b"\r\n\r\n") + 4
    return chance.randrange((end if end > 4 and chance.random() < 0.8 else len(data)) + 1)


def _change_byte(data: bytes, chance: random.Random) -> bytes:
    at = _place(data, chance)
    return data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]


def _insert_bytes(data: bytes, chance: random.Random) -> bytes:
    at = _place(data, chance)
    return data[:at] + chance.randbytes(chance.choice((1, 1, 2, 8, 300))) + data[at:]


def _remove(data: bytes, chance: random.Random) -> bytes:
    at = _place(data, chance)
    return data[:at] + data[at + chance.choice((1, 1, 2, 4, 30)) :]


def _repeat(data: bytes, chance: random.Random) -> bytes:
    at = _place(data, chance)
    piece = data[at : at + chance.choice((1, 2, 10, 100))]
    return data[:at] + piece * chance.choice((2, 3, 50, 500)) + data[at:]


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: _place(data, chance)]


def _change_number(data: bytes, chance: random.Random) -> bytes:
    found = list(islice(_DIGITS.finditer(data), 12))
    if not found:
        return data
    start, end = chance.choice(found).span()
    return data[:start] + chance.choice(_NUMBERS) + data[end:]


def _add_line(data: bytes, chance: random.Random) -> bytes:
    lines = data.split(b"\r\n")
    lines.insert(chance.randrange(len(lines) + 1), chance.choice(_LINES))
    return b"\r\n".join(lines)


def _swap_lines(data: bytes, chance: random.Random) -> bytes:
    lines = data.split(b"\r\n")
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\r\n".join(lines)


def _double_line(data: bytes, chance: random.Random) -> bytes:
    lines = data.split(b"\r\n")
    lines.insert(chance.randrange(len(lines)), chance.choice(lines))
    return b"\r\n".join(lines)


def _change_break(data: bytes, chance: random.Random) -> bytes:
    pieces = data.split(b"\r\n")
    if len(pieces) < 2:
        return data
    at = chance.randrange(1, len(pieces))
    return b"\r\n".join(pieces[:at]) + chance.choice(_BREAKS) + b"\r\n".join(pieces[at:])


def _splice(data: bytes, chance: random.Random) -> bytes:
    other = chance.choice(VALID)
    return data[: _place(data, chance)] + other[_place(other, chance) :]


def _follow(data: bytes, chance: random.Random) -> bytes:
    return data + chance.choice(VALID)


_MUTATIONS = (
    _change_byte, _insert_bytes, _remove, _repeat, _cut, _change_number, _add_line, _swap_lines, _double_line,
    _change_break, _splice, _follow,
)  # fmt: skip
