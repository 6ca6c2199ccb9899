"""Answers that are no HTTP, or hardly."""

from tests.hostile.behaviour import no_http, succeeds, too_late
from tests.hostile.scripts import CHUNKED, HEAD, answer, answer_then_close, before_request, empty, flood

SYNTAX = [
    no_http(name="garbage in place of a status line", script=answer(b"\x13\x37 garbage\r\n\r\n")),
    no_http(name="HTTP/0.9: a body and nothing else", script=answer_then_close(b"<html>hello</html>")),
    no_http(name="greeting of an SSH server", script=answer(b"SSH-2.0-OpenSSH_9.2p1\r\n")),
    no_http(name="greeting of a mail server", script=before_request(b"220 mail.example ESMTP\r\n")),
    no_http(name="status in letters", script=answer(b"HTTP/1.1 abc OK\r\n\r\n")),
    no_http(name="status of two digits", script=answer(empty("20 OK"))),
    no_http(name="status of four digits", script=answer(empty("2000 OK"))),
    no_http(name="negative status", script=answer(empty("-200 OK"))),
    no_http(name="status 000", script=answer(empty("000 Nothing"))),
    no_http(name="status 700", script=answer(empty("700 Odd"))),
    no_http(
        name="`101 Switching Protocols`",
        script=answer(b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
    ),
    no_http(name="version HTTP/9.9", script=answer(b"HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n")),
    no_http(name="version HTTP/2 in HTTP/1.1", script=answer(b"HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n")),
    no_http(
        name="frames of HTTP/2",
        script=answer(b"\0\0\x12\4\0\0\0\0\0\0\3\0\0\0\x80\0\4\0\1\0\0\0\5\0\xff\xff\xff"),
    ),
    no_http(name="NUL in a header", script=answer(empty("200 OK", "X-Nul: a\0b"))),
    no_http(name="NUL in the status line", script=answer(empty("200 O\0K"))),
    no_http(name="header without a colon", script=answer(empty("200 OK", "nonsense"))),
    no_http(name="Content-Length in words", script=answer(HEAD + b"Content-Length: ten\r\n\r\n")),
    no_http(name="negative Content-Length", script=answer(HEAD + b"Content-Length: -5\r\n\r\n")),
    no_http(
        name="two Content-Lengths",
        script=answer(HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok"),
    ),
    too_late(
        name="Content-Length that fits no number, then silence",
        script=answer(HEAD + b"Content-Length: " + b"9" * 30 + b"\r\n\r\nok"),
        status=200,
    ),
    succeeds(
        name="Content-Length and Transfer-Encoding",
        script=answer(HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
        deliveries=2,
        attempts=(None, None),
    ),
    no_http(
        name="Transfer-Encoding that nobody knows",
        script=answer(HEAD + b"Transfer-Encoding: rot13\r\nContent-Length: 2\r\n\r\nok"),
    ),
    no_http(name="chunk size in words", script=answer(CHUNKED + b"nonsense\r\n"), status=200),
    no_http(name="negative chunk size", script=answer(CHUNKED + b"-2\r\nok\r\n"), status=200),
    no_http(name="chunk size that fits no number", script=answer(CHUNKED + b"f" * 30 + b"\r\n"), status=200),
    no_http(name="chunk size of zeros only, without end", script=flood(CHUNKED, b"0" * 999), status=200),
    no_http(
        name="chunk that does not end where it should", script=answer(CHUNKED + b"2\r\nokay\r\n"), status=200
    ),
    no_http(name="folded trailer", script=answer(CHUNKED + b"0\r\n folded\r\n\r\n"), status=200),
    no_http(name="trailer without a line end", script=answer(CHUNKED + b"0\r\nX: y\rz\r\n\r\n"), status=200),
    succeeds(
        name="NUL in the body",
        script=answer(HEAD + b"Content-Length: 3\r\n\r\na\0b"),
        kept=HEAD + b"Content-Length: 3\r\n\r\na\0b",
    ),
    succeeds(
        name="body that is no UTF-8",
        script=answer(HEAD + b"Content-Length: 3\r\n\r\n\xff\xfe\x80"),
        kept=HEAD + b"Content-Length: 3\r\n\r\n\xff\xfe\x80",
    ),
    succeeds(
        name="header that is no UTF-8",
        script=answer(HEAD + b"X: \xff\xfe\r\nContent-Length: 0\r\n\r\n"),
        kept=HEAD + b"X: \xff\xfe\r\n",
    ),
    succeeds(
        name="line feeds without carriage returns", script=answer(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok")
    ),
    succeeds(
        name="HTTP/1.0 and a body up to the end", script=answer_then_close(b"HTTP/1.0 200 OK\r\n\r\nok")
    ),
    succeeds(
        name="`204 No Content` with a body",
        script=answer(b"HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\nok"),
        status=204,
        deliveries=2,
        attempts=(None, None),
    ),
]
