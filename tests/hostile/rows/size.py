"""Endpoints that send too much."""

import gzip

from dispatcher.failures import FailureCode as Code
from tests.hostile.behaviour import Behaviour, succeeds
from tests.hostile.scripts import CHUNKED, HEAD, answer, flood

_KIB = 1024
_BOMB = gzip.compress(bytes(8192 * _KIB))
_BOMB_HEAD = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(_BOMB)

SIZE = [
    succeeds(
        name="2xx, then a body without end",
        script=flood(HEAD + b"\r\n", b"x" * 65536),
        truncated=True,
        kept=HEAD + b"\r\nxxx",
    ),
    succeeds(
        name="2xx, then chunks without end",
        script=flood(CHUNKED, b"4000\r\n" + b"x" * 0x4000 + b"\r\n"),
        truncated=True,
    ),
    succeeds(
        name="2xx and a body of 4 GB",
        script=flood(HEAD + b"Content-Length: 4000000000\r\n\r\n", b"x" * 65536),
        truncated=True,
    ),
    succeeds(
        name="2xx and a body between what is kept (16 KiB) and what is read (64 KiB)",
        script=answer(HEAD + b"Content-Length: 20000\r\n\r\n" + b"x" * 20000),
        truncated=True,
        deliveries=2,
        attempts=(None, None),
    ),
    Behaviour(
        name="5xx, then a body without end",
        script=flood(b"HTTP/1.1 503 No\r\n\r\n", b"x" * 65536),
        code=Code.HTTP_5XX,
        status=503,
        truncated=True,
    ),
    succeeds(
        name="gzip bomb, although only `identity` is accepted",
        script=answer(_BOMB_HEAD + _BOMB),
        kept=_BOMB_HEAD + _BOMB,
    ),
    Behaviour(
        name="headers without end",
        script=flood(HEAD, b"X-Filler: x\r\n" * 999),
        truncated=True,
        code=Code.TOO_LARGE,
    ),
    Behaviour(name="one header without end", script=flood(HEAD + b"X: ", b"x" * 9999), code=Code.TOO_LARGE),
    Behaviour(
        name="more than 64 KiB of headers",
        script=answer(HEAD + b"X: xxxxxxxxxxxxxxxxxxxxx\r\n" * 3000 + b"Content-Length: 0\r\n\r\n"),
        truncated=True,
        code=Code.TOO_LARGE,
        status=200,
    ),
    Behaviour(
        name="one header of 70 KiB",
        script=answer(HEAD + b"X: " + b"x" * 70 * _KIB + b"\r\nContent-Length: 0\r\n\r\n"),
        truncated=True,
        code=Code.TOO_LARGE,
        status=200,
    ),
    Behaviour(
        name="`100 Continue` again and again, at full speed",
        script=flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 999),
        code=Code.TOO_LARGE,
    ),
    Behaviour(
        name="trailers without end",
        script=flood(CHUNKED + b"0\r\n", b"X: x\r\n" * 999),
        code=Code.TOO_LARGE,
        status=200,
    ),
    Behaviour(
        name="one trailer without end",
        script=flood(CHUNKED + b"0\r\nX: ", b"x" * 9999),
        code=Code.TOO_LARGE,
        status=200,
    ),
    Behaviour(
        name="chunk extension without end",
        script=flood(CHUNKED + b"2;x=", b"x" * 65536),
        code=Code.TIMEOUT_TOTAL,
        status=200,
    ),
]
