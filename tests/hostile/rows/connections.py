"""Connections that end, or hold more, than they should."""

from dispatcher.failures import FailureCode as Code
from tests.hostile.behaviour import HUGE_EVENT, Behaviour, Then, broken_off, succeeds, too_late
from tests.hostile.receivers import OK
from tests.hostile.scripts import (
    CHUNKED,
    HEAD,
    answer,
    answer_then_close,
    answer_then_reset,
    answers,
    before_request,
    close_at_once,
    empty,
    reset_amid_request,
    reset_at_once,
    unread,
)

CONNECTION = [
    broken_off(name="reset before the request", script=reset_at_once),
    broken_off(name="close before the request", script=close_at_once),
    broken_off(name="reset amid the request", script=reset_amid_request, event_bytes=HUGE_EVENT),
    broken_off(name="reset after the request", script=answer_then_reset(b"")),
    broken_off(name="close after the request", script=answer_then_close(b"")),
    broken_off(name="reset in the status line", script=answer_then_reset(b"HTTP/1.1 20")),
    broken_off(name="close in the status line", script=answer_then_close(b"HTTP/1.1 20")),
    broken_off(name="reset in the headers", script=answer_then_reset(HEAD + b"X: y\r\n")),
    broken_off(name="close in the headers", script=answer_then_close(HEAD + b"X: y\r\n")),
    broken_off(
        name="reset in the body",
        script=answer_then_reset(HEAD + b"Content-Length: 9\r\n\r\nhalf"),
        status=200,
    ),
    broken_off(
        name="close in the body",
        script=answer_then_close(HEAD + b"Content-Length: 9\r\n\r\nhalf"),
        status=200,
    ),
    broken_off(name="close in a chunk", script=answer_then_close(CHUNKED + b"9\r\nhalf"), status=200),
    broken_off(
        name="close before the last chunk", script=answer_then_close(CHUNKED + b"2\r\nok\r\n"), status=200
    ),
    broken_off(
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
    succeeds(
        name="`Connection: close` that nobody follows",
        script=answer(HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\nok"),
        deliveries=2,
        attempts=(None, None),
    ),
    succeeds(name="answer before the request", script=before_request(OK)),
    too_late(
        name="2xx, but the request is never read",
        script=unread(OK),
        status=200,
        event_bytes=HUGE_EVENT,
        kept=OK,
    ),
    Behaviour(
        name="4xx, and the request is never read",
        script=unread(empty("413 Too large")),
        code=Code.HTTP_4XX,
        status=413,
        event_bytes=HUGE_EVENT,
    ),
    succeeds(
        name="two answers to one request",
        script=answer(OK + empty("500 No")),
        deliveries=3,
        attempts=(None,) * 3,
    ),
    succeeds(
        name="garbage behind the answer",
        script=answer(OK + b"garbage" * 99),
        deliveries=3,
        attempts=(None,) * 3,
    ),
]
