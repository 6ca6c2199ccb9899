"""Endpoints that take their time."""

from tests.hostile.behaviour import HUGE_EVENT, too_late
from tests.hostile.scripts import CHUNKED, HEAD, answer, drip, flood, never_read, read_slowly

PACE = [
    too_late(name="status line a byte at a time", script=drip(b"HTTP/1.1 200 ", b"O" * 9999)),
    too_late(name="headers a byte at a time", script=drip(HEAD, b"X-Filler: " + b"x" * 9999)),
    too_late(
        name="body a byte at a time",
        script=drip(HEAD + b"Content-Length: 9999\r\n\r\n", b"x" * 9999),
        status=200,
        kept=HEAD + b"Content-Length: 9999\r\n\r\nxxx",
    ),
    too_late(
        name="chunk extension a byte at a time", script=drip(CHUNKED + b"2;x=", b"y" * 9999), status=200
    ),
    too_late(name="chunked body a byte at a time", script=drip(CHUNKED, b"1\r\nx\r\n" * 2000), status=200),
    too_late(name="silence", script=answer(b"")),
    too_late(name="headers without an end", script=answer(HEAD + b"Content-Length: 0\r\n")),
    too_late(
        name="body that stops half way", script=answer(HEAD + b"Content-Length: 9\r\n\r\nhalf"), status=200
    ),
    too_late(name="chunks without a last one", script=answer(CHUNKED + b"2\r\nok\r\n"), status=200),
    too_late(
        name="error status, then a body a byte at a time",
        script=drip(b"HTTP/1.1 500 No\r\nContent-Length: 9999\r\n\r\n", b"x" * 9999),
        status=500,
    ),
    too_late(
        name="`100 Continue` again and again, paced",
        script=flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n", every=0.01),
    ),
    too_late(name="our body read 20 KiB a second", script=read_slowly, event_bytes=HUGE_EVENT),
    too_late(name="our body never read", script=never_read, event_bytes=HUGE_EVENT),
]
