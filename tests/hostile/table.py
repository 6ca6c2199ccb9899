"""Every way to misbehave that we know of, what is recorded of it, and what comes next.

docs/hostile-endpoints.md shows this table, tests/hostile/test_table.py plays it to a dispatcher.
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import partial

from dispatcher.failures import FailureCode as Code
from tests.dispatcher.certificates import Authority
from tests.hostile.receivers import OK, Script
from tests.hostile.scripts import (
    CHUNKED,
    HANDSHAKE_FAILURE,
    HEAD,
    SERVER_HELLO,
    answer,
    answer_then_close,
    answer_then_reset,
    answers,
    before_request,
    close_at_once,
    drip,
    empty,
    flood,
    never_read,
    read_slowly,
    reset_amid_request,
    reset_at_once,
    tls_close,
    tls_drips,
    tls_garbage,
    tls_reset,
    tls_says,
    unread,
)

_KIB = 1024
_DAY = timedelta(days=1)
# More than both ends of a loopback connection buffer.
_HUGE_EVENT = 8 * 1024 * _KIB


class Then(StrEnum):
    """What follows an attempt, in the words of the page."""

    DONE = "done"
    RETRY = "retried on schedule"
    AT_ONCE = "sent again at once on a fresh connection"
    HELD = "retried; until then nothing else is sent"
    DISABLED = "endpoint disabled"
    ENDED = "not retried"


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One row of the table: an endpoint, and what must be recorded of its deliveries."""

    name: str  # as the page shows it
    script: Script
    code: Code | None = None  # of the failure, None: a success
    status: int | None = None
    then: Then = Then.RETRY
    hold: timedelta | None = None  # how long nothing else is sent to the endpoint
    truncated: bool = False
    kept: bytes = b""  # what the stored response begins with
    tls: Callable[[Authority], ssl.SSLContext] | None = None  # https with this context
    in_place_of_tls: bool = False  # https, and the script speaks where TLS should
    event_bytes: int = 0  # beside the event's own
    deliveries: int = 1  # one after another
    attempts: tuple[Code | None, ...] = ()  # of all deliveries, in their order; () is one attempt with `code`
    url: str = ""  # instead of a receiver's

    @property
    def codes(self) -> tuple[Code | None, ...]:
        return self.attempts or (self.code,)


_succeeds = partial(Behaviour, code=None, status=200, then=Then.DONE)
_no_http = partial(Behaviour, code=Code.PROTOCOL_ERROR)
_too_late = partial(Behaviour, code=Code.TIMEOUT_TOTAL)
_broken_off = partial(Behaviour, code=Code.CONNECTION_RESET)


def _trusted(authority: Authority) -> ssl.SSLContext:
    return authority.server_context()


def _not_yet_valid(authority: Authority) -> ssl.SSLContext:
    return authority.server_context(valid_from=_DAY, valid_for=2 * _DAY)


def _of_unknown_authority(authority: Authority) -> ssl.SSLContext:
    return authority.stranger().server_context()


PACE = [
    _too_late(name="status line a byte at a time", script=drip(b"HTTP/1.1 200 ", b"O" * 9999)),
    _too_late(name="headers a byte at a time", script=drip(HEAD, b"X-Filler: " + b"x" * 9999)),
    _too_late(
        name="body a byte at a time",
        script=drip(HEAD + b"Content-Length: 9999\r\n\r\n", b"x" * 9999),
        status=200,
        kept=HEAD + b"Content-Length: 9999\r\n\r\nxxx",
    ),
    _too_late(
        name="chunk extension a byte at a time", script=drip(CHUNKED + b"2;x=", b"y" * 9999), status=200
    ),
    _too_late(name="chunked body a byte at a time", script=drip(CHUNKED, b"1\r\nx\r\n" * 2000), status=200),
    _too_late(name="silence", script=answer(b"")),
    _too_late(name="headers without an end", script=answer(HEAD + b"Content-Length: 0\r\n")),
    _too_late(
        name="body that stops half way", script=answer(HEAD + b"Content-Length: 9\r\n\r\nhalf"), status=200
    ),
    _too_late(name="chunks without a last one", script=answer(CHUNKED + b"2\r\nok\r\n"), status=200),
    _too_late(
        name="error status, then a body a byte at a time",
        script=drip(b"HTTP/1.1 500 No\r\nContent-Length: 9999\r\n\r\n", b"x" * 9999),
        status=500,
    ),
    _too_late(
        name="`100 Continue` again and again, paced",
        script=flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n", every=0.01),
    ),
    _too_late(name="our body read 20 KiB a second", script=read_slowly, event_bytes=_HUGE_EVENT),
    _too_late(name="our body never read", script=never_read, event_bytes=_HUGE_EVENT),
]

SIZE = [
    _succeeds(
        name="2xx, then a body without end",
        script=flood(HEAD + b"\r\n", b"x" * 65536),
        truncated=True,
        kept=HEAD + b"\r\nxxx",
    ),
    _succeeds(
        name="2xx, then chunks without end",
        script=flood(CHUNKED, b"4000\r\n" + b"x" * 0x4000 + b"\r\n"),
        truncated=True,
    ),
    _succeeds(
        name="2xx and a body of 4 GB",
        script=flood(HEAD + b"Content-Length: 4000000000\r\n\r\n", b"x" * 65536),
        truncated=True,
    ),
    _succeeds(
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
    _succeeds(
        name="gzip bomb, although only `identity` is accepted",
        script=answer(
            HEAD
            + b"Content-Encoding: gzip\r\nContent-Length: 1030\r\n\r\n"
            + b"\x1f\x8b\x08\0\0\0"
            + b"\0" * 1024
        ),
        kept=HEAD + b"Content-Encoding: gzip\r\nContent-Length: 1030\r\n\r\n\x1f\x8b\x08",
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

SYNTAX = [
    _no_http(name="garbage in place of a status line", script=answer(b"\x13\x37 garbage\r\n\r\n")),
    _no_http(name="HTTP/0.9: a body and nothing else", script=answer_then_close(b"<html>hello</html>")),
    _no_http(name="greeting of an SSH server", script=answer(b"SSH-2.0-OpenSSH_9.2p1\r\n")),
    _no_http(name="greeting of a mail server", script=before_request(b"220 mail.example ESMTP\r\n")),
    _no_http(name="status in letters", script=answer(b"HTTP/1.1 abc OK\r\n\r\n")),
    _no_http(name="status of two digits", script=answer(empty("20 OK"))),
    _no_http(name="status of four digits", script=answer(empty("2000 OK"))),
    _no_http(name="negative status", script=answer(empty("-200 OK"))),
    _no_http(name="status 000", script=answer(empty("000 Nothing"))),
    _no_http(name="status 700", script=answer(empty("700 Odd"))),
    _no_http(
        name="`101 Switching Protocols`",
        script=answer(b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
    ),
    _no_http(name="version HTTP/9.9", script=answer(b"HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n")),
    _no_http(name="version HTTP/2 in HTTP/1.1", script=answer(b"HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n")),
    _no_http(
        name="frames of HTTP/2",
        script=answer(b"\0\0\x12\4\0\0\0\0\0\0\3\0\0\0\x80\0\4\0\1\0\0\0\5\0\xff\xff\xff"),
    ),
    _no_http(name="NUL in a header", script=answer(empty("200 OK", "X-Nul: a\0b"))),
    _no_http(name="NUL in the status line", script=answer(empty("200 O\0K"))),
    _no_http(name="header without a colon", script=answer(empty("200 OK", "nonsense"))),
    _no_http(name="Content-Length in words", script=answer(HEAD + b"Content-Length: ten\r\n\r\n")),
    _no_http(name="negative Content-Length", script=answer(HEAD + b"Content-Length: -5\r\n\r\n")),
    _no_http(
        name="two Content-Lengths",
        script=answer(HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok"),
    ),
    _too_late(
        name="Content-Length that fits no number, then silence",
        script=answer(HEAD + b"Content-Length: " + b"9" * 30 + b"\r\n\r\nok"),
        status=200,
    ),
    _succeeds(
        name="Content-Length and Transfer-Encoding",
        script=answer(HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
        deliveries=2,
        attempts=(None, None),
    ),
    _no_http(
        name="Transfer-Encoding that nobody knows",
        script=answer(HEAD + b"Transfer-Encoding: rot13\r\nContent-Length: 2\r\n\r\nok"),
    ),
    _no_http(name="chunk size in words", script=answer(CHUNKED + b"nonsense\r\n"), status=200),
    _no_http(name="negative chunk size", script=answer(CHUNKED + b"-2\r\nok\r\n"), status=200),
    _no_http(name="chunk size that fits no number", script=answer(CHUNKED + b"f" * 30 + b"\r\n"), status=200),
    _no_http(name="chunk size of zeros only, without end", script=flood(CHUNKED, b"0" * 999), status=200),
    _no_http(
        name="chunk that does not end where it should", script=answer(CHUNKED + b"2\r\nokay\r\n"), status=200
    ),
    _no_http(name="folded trailer", script=answer(CHUNKED + b"0\r\n folded\r\n\r\n"), status=200),
    _no_http(name="trailer without a line end", script=answer(CHUNKED + b"0\r\nX: y\rz\r\n\r\n"), status=200),
    _succeeds(
        name="NUL in the body",
        script=answer(HEAD + b"Content-Length: 3\r\n\r\na\0b"),
        kept=HEAD + b"Content-Length: 3\r\n\r\na\0b",
    ),
    _succeeds(
        name="body that is no UTF-8",
        script=answer(HEAD + b"Content-Length: 3\r\n\r\n\xff\xfe\x80"),
        kept=HEAD + b"Content-Length: 3\r\n\r\n\xff\xfe\x80",
    ),
    _succeeds(
        name="header that is no UTF-8",
        script=answer(HEAD + b"X: \xff\xfe\r\nContent-Length: 0\r\n\r\n"),
        kept=HEAD + b"X: \xff\xfe\r\n",
    ),
    _succeeds(
        name="line feeds without carriage returns", script=answer(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok")
    ),
    _succeeds(
        name="HTTP/1.0 and a body up to the end", script=answer_then_close(b"HTTP/1.0 200 OK\r\n\r\nok")
    ),
    _succeeds(
        name="`204 No Content` with a body",
        script=answer(b"HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\nok"),
        status=204,
        deliveries=2,
        attempts=(None, None),
    ),
]

INFORMATIONAL = [
    _succeeds(
        name="`103 Early Hints`, then 200",
        script=answer(b"HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n", OK),
        kept=OK,
    ),
    _succeeds(
        name="`102 Processing` several times, then 200",
        script=answer(b"HTTP/1.1 102 Processing\r\n\r\n" * 9, OK),
        kept=OK,
    ),
    _succeeds(
        name="`100 Continue` that nobody asked for, then 200",
        script=answer(b"HTTP/1.1 100 Continue\r\n\r\n", OK),
        kept=OK,
    ),
    Behaviour(
        name="103, then 500",
        script=answer(b"HTTP/1.1 103 Hints\r\n\r\n", empty("500 No")),
        code=Code.HTTP_5XX,
        status=500,
        kept=b"HTTP/1.1 500 No",
    ),
    _too_late(name="103, then silence", script=answer(b"HTTP/1.1 103 Hints\r\n\r\n")),
    _broken_off(name="103, then the end", script=answer_then_close(b"HTTP/1.1 103 Hints\r\n\r\n")),
]

CONNECTION = [
    _broken_off(name="reset before the request", script=reset_at_once),
    _broken_off(name="close before the request", script=close_at_once),
    _broken_off(name="reset amid the request", script=reset_amid_request, event_bytes=_HUGE_EVENT),
    _broken_off(name="reset after the request", script=answer_then_reset(b"")),
    _broken_off(name="close after the request", script=answer_then_close(b"")),
    _broken_off(name="reset in the status line", script=answer_then_reset(b"HTTP/1.1 20")),
    _broken_off(name="close in the status line", script=answer_then_close(b"HTTP/1.1 20")),
    _broken_off(name="reset in the headers", script=answer_then_reset(HEAD + b"X: y\r\n")),
    _broken_off(name="close in the headers", script=answer_then_close(HEAD + b"X: y\r\n")),
    _broken_off(
        name="reset in the body",
        script=answer_then_reset(HEAD + b"Content-Length: 9\r\n\r\nhalf"),
        status=200,
    ),
    _broken_off(
        name="close in the body",
        script=answer_then_close(HEAD + b"Content-Length: 9\r\n\r\nhalf"),
        status=200,
    ),
    _broken_off(name="close in a chunk", script=answer_then_close(CHUNKED + b"9\r\nhalf"), status=200),
    _broken_off(
        name="close before the last chunk", script=answer_then_close(CHUNKED + b"2\r\nok\r\n"), status=200
    ),
    _broken_off(
        name="close in the last chunk's line",
        script=answer_then_close(CHUNKED + b"2\r\nok\r\n0\r\n"),
        status=200,
    ),
    Behaviour(
        name="kept connection closed as it is used again",
        script=answers(OK, b""),
        code=Code.STALE_CONNECTION,
        then=Then.AT_ONCE,
        deliveries=2,
        attempts=(None, Code.STALE_CONNECTION, None),
    ),
    _succeeds(
        name="`Connection: close` that nobody follows",
        script=answer(HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\nok"),
        deliveries=2,
        attempts=(None, None),
    ),
    _succeeds(name="answer before the request", script=before_request(OK)),
    _too_late(
        name="2xx, but the request is never read",
        script=unread(OK),
        status=200,
        event_bytes=_HUGE_EVENT,
        kept=OK,
    ),
    Behaviour(
        name="4xx, and the request is never read",
        script=unread(empty("413 Too large")),
        code=Code.HTTP_4XX,
        status=413,
        event_bytes=_HUGE_EVENT,
    ),
    _succeeds(
        name="two answers to one request",
        script=answer(OK + empty("500 No")),
        deliveries=3,
        attempts=(None,) * 3,
    ),
    _succeeds(
        name="garbage behind the answer",
        script=answer(OK + b"garbage" * 99),
        deliveries=3,
        attempts=(None,) * 3,
    ),
]

TLS = [
    Behaviour(
        name="certificate has expired",
        script=answer(OK),
        code=Code.TLS_EXPIRED,
        tls=lambda authority: authority.server_context(valid_for=-_DAY),
    ),
    Behaviour(
        name="certificate is not valid yet", script=answer(OK), code=Code.TLS_EXPIRED, tls=_not_yet_valid
    ),
    Behaviour(
        name="certificate of another host",
        script=answer(OK),
        code=Code.TLS_HOSTNAME,
        tls=lambda authority: authority.server_context(host="shop.test"),
    ),
    Behaviour(
        name="certificate of another address",
        script=answer(OK),
        code=Code.TLS_HOSTNAME,
        tls=lambda authority: authority.server_context(host="127.0.0.2"),
    ),
    Behaviour(
        name="self-signed certificate",
        script=answer(OK),
        code=Code.TLS_UNTRUSTED,
        tls=lambda authority: authority.server_context(self_signed=True),
    ),
    Behaviour(
        name="certificate of an authority nobody knows",
        script=answer(OK),
        code=Code.TLS_UNTRUSTED,
        tls=_of_unknown_authority,
    ),
    Behaviour(
        name="TLS 1.1 at most",
        script=answer(OK),
        code=Code.TLS_PROTOCOL,
        tls=lambda authority: authority.old_tls_context(),
    ),
    Behaviour(
        name="a client's certificate is asked for",
        script=answer(OK),
        code=Code.TLS_PROTOCOL,
        tls=lambda authority: authority.client_certificate_context(),
    ),
    Behaviour(
        name="plain HTTP in place of TLS",
        script=tls_says(empty("400 Bad Request")),
        code=Code.TLS_PROTOCOL,
        in_place_of_tls=True,
    ),
    Behaviour(
        name="garbage in place of TLS", script=tls_garbage, code=Code.TLS_PROTOCOL, in_place_of_tls=True
    ),
    Behaviour(
        name="TLS alert in place of an answer",
        script=tls_says(HANDSHAKE_FAILURE),
        code=Code.TLS_PROTOCOL,
        in_place_of_tls=True,
    ),
    Behaviour(name="TLS: silence", script=tls_says(b""), code=Code.TIMEOUT_TLS, in_place_of_tls=True),
    Behaviour(
        name="TLS: handshake that stops half way",
        script=tls_says(SERVER_HELLO),
        code=Code.TIMEOUT_TLS,
        in_place_of_tls=True,
    ),
    Behaviour(
        name="TLS: handshake a byte at a time", script=tls_drips, code=Code.TIMEOUT_TLS, in_place_of_tls=True
    ),
    _broken_off(name="TLS: reset in the handshake", script=tls_reset, in_place_of_tls=True),
    _broken_off(name="TLS: close in the handshake", script=tls_close, in_place_of_tls=True),
    _too_late(name="TLS: silence after the handshake", script=answer(b""), tls=_trusted),
    _too_late(
        name="TLS: body a byte at a time",
        script=drip(HEAD + b"Content-Length: 9999\r\n\r\n", b"x" * 9999),
        status=200,
        tls=_trusted,
    ),
    _broken_off(name="TLS: reset after the request", script=answer_then_reset(b""), tls=_trusted),
    _broken_off(
        name="TLS: close in the body",
        script=answer_then_close(HEAD + b"Content-Length: 9\r\n\r\nhalf"),
        status=200,
        tls=_trusted,
    ),
    _broken_off(
        name="TLS: a body up to the end, which TLS does not tell of",
        script=answer_then_close(HEAD + b"\r\nok"),
        status=200,
        tls=_trusted,
    ),
    Behaviour(
        name="TLS: kept connection closed as it is used again",
        script=answers(OK, b""),
        code=Code.STALE_CONNECTION,
        then=Then.AT_ONCE,
        deliveries=2,
        attempts=(None, Code.STALE_CONNECTION, None),
        tls=_trusted,
    ),
    _succeeds(
        name="TLS: 2xx, then a body without end",
        script=flood(HEAD + b"\r\n", b"x" * 65536),
        truncated=True,
        tls=_trusted,
    ),
]


def _redirect(name: str, location: str, status: int = 302) -> Behaviour:
    return Behaviour(
        name=name,
        script=answer(empty(f"{status} Moved", f"Location: {location}")),
        code=Code.REDIRECT_REFUSED,
        status=status,
        kept=f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\n".encode(),
    )


def _busy(name: str, status: int, *retry_after: str, hold: timedelta | None) -> Behaviour:
    headers = ("Date: Sun, 22 Nov 2026 10:00:00 GMT", *(f"Retry-After: {value}" for value in retry_after))
    return Behaviour(
        name=name,
        script=answer(empty(f"{status} Busy", *headers)),
        code=Code.HTTP_429 if status == 429 else Code.HTTP_5XX,
        status=status,
        then=Then.RETRY if hold is None else Then.HELD,
        hold=hold,
    )


# The first wait of the schedule that the table is played with.
FIRST_WAIT = timedelta(hours=1)

STATUS = [
    _redirect("redirect to itself", "/hook"),
    _redirect("redirect to another path", "../else/where?x=1", 301),
    _redirect("redirect to the metadata address of a cloud", "http://169.254.169.254/latest/meta-data/", 307),
    _redirect("redirect from https to http", "http://shop.test/hook", 308),
    _redirect("redirect to a file", "file:///etc/passwd", 303),
    Behaviour(
        name="redirect to nowhere", script=answer(empty("302 Moved")), code=Code.REDIRECT_REFUSED, status=302
    ),
    Behaviour(
        name="`304 Not Modified`", script=answer(empty("304 Same")), code=Code.REDIRECT_REFUSED, status=304
    ),
    _busy("429, `Retry-After` in seconds", 429, "120", hold=timedelta(seconds=120)),
    _busy("429, `Retry-After` as a date", 429, "Sun, 22 Nov 2026 10:01:30 GMT", hold=timedelta(seconds=90)),
    _busy("429, `Retry-After` of years", 429, "999999999", hold=_DAY),
    _busy("429, `Retry-After` a date in the year 9999", 429, "Fri, 31 Dec 9999 23:59:59 GMT", hold=_DAY),
    _busy("429, `Retry-After` of 30 digits", 429, "9" * 30, hold=FIRST_WAIT),
    _busy("429, negative `Retry-After`", 429, "-120", hold=FIRST_WAIT),
    _busy("429, garbage as `Retry-After`", 429, "soon; 1 <b>", hold=FIRST_WAIT),
    _busy("429 without `Retry-After`", 429, hold=FIRST_WAIT),
    _busy("429, `Retry-After` of 0", 429, "0", hold=None),
    _busy("429, two `Retry-After`", 429, "60", "86400", hold=timedelta(seconds=60)),
    _busy("503, `Retry-After` in seconds", 503, "120", hold=timedelta(seconds=120)),
    _busy("503, `Retry-After` a date long past", 503, "Thu, 01 Jan 1970 00:00:00 GMT", hold=None),
    _busy("503, garbage as `Retry-After`", 503, "\x7f99", hold=None),
    _busy("503 without `Retry-After`", 503, hold=None),
    _busy("500, `Retry-After` in seconds", 500, "120", hold=None),
    Behaviour(
        name="410", script=answer(empty("410 Gone")), code=Code.HTTP_410_GONE, status=410, then=Then.DISABLED
    ),
    Behaviour(
        name="address of a cloud's metadata",
        script=answer(OK),
        code=Code.BLOCKED_ADDRESS,
        then=Then.ENDED,
        url="http://169.254.169.254/latest/meta-data/",
    ),
]

TABLE: dict[str, list[Behaviour]] = {
    "Too slow": PACE,
    "Too much": SIZE,
    "Not HTTP": SYNTAX,
    "Informational answers": INFORMATIONAL,
    "Connections": CONNECTION,
    "TLS": TLS,
    "Statuses and addresses": STATUS,
}
