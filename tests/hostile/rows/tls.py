"""Certificates and handshakes."""

import ssl
from datetime import timedelta

from dispatcher.failures import FailureCode as Code
from tests.dispatcher.certificates import Authority
from tests.hostile.behaviour import Behaviour, Then, broken_off, succeeds, too_late
from tests.hostile.receivers import OK
from tests.hostile.scripts import (
    HANDSHAKE_FAILURE,
    HEAD,
    SERVER_HELLO,
    answer,
    answer_then_close,
    answer_then_reset,
    answers,
    drip,
    empty,
    flood,
    tls_close,
    tls_drips,
    tls_garbage,
    tls_reset,
    tls_says,
)

_DAY = timedelta(days=1)


def _trusted(authority: Authority) -> ssl.SSLContext:
    return authority.server_context()


def _not_yet_valid(authority: Authority) -> ssl.SSLContext:
    return authority.server_context(valid_from=_DAY, valid_for=2 * _DAY)


def _of_unknown_authority(authority: Authority) -> ssl.SSLContext:
    return authority.stranger().server_context()


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
    broken_off(name="TLS: reset in the handshake", script=tls_reset, in_place_of_tls=True),
    broken_off(name="TLS: close in the handshake", script=tls_close, in_place_of_tls=True),
    too_late(name="TLS: silence after the handshake", script=answer(b""), tls=_trusted),
    too_late(
        name="TLS: body a byte at a time",
        script=drip(HEAD + b"Content-Length: 9999\r\n\r\n", b"x" * 9999),
        status=200,
        tls=_trusted,
    ),
    broken_off(name="TLS: reset after the request", script=answer_then_reset(b""), tls=_trusted),
    broken_off(
        name="TLS: close in the body",
        script=answer_then_close(HEAD + b"Content-Length: 9\r\n\r\nhalf"),
        status=200,
        tls=_trusted,
    ),
    broken_off(
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
    succeeds(
        name="TLS: 2xx, then a body without end",
        script=flood(HEAD + b"\r\n", b"x" * 65536),
        truncated=True,
        tls=_trusted,
    ),
]
