"""The merchants' servers: one port of this machine, and a behaviour for each host name."""

from __future__ import annotations

import contextlib
import re
import ssl
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tests.dispatcher.certificates import Authority
from tests.hostile.receivers import Conversation, Receiver, closed_port
from tools.demo.ports import reserved_port
from tools.demo_data.cast import endpoint_parts

_DAY = timedelta(days=1)
_HOST = re.compile(rb"(?im)^host: *([^:\r\n]+)")
_PAGE = b"<!doctype html><title>Oops</title><h1>Something broke</h1><script>alert(document.domain)</script>\n"
# An answer that is shown as it came: NULs, and more than is kept of it.
_BINARY = bytes(16 * 1024) + "\N{RIGHT-TO-LEFT OVERRIDE}gnp.egami".encode() + b"<b>not bold</b>"


@dataclass(frozen=True, slots=True)
class Receivers:
    """Where they listen."""

    port: int
    closed_port: int  # nothing does
    bundle: str  # the certificates that a dispatcher has to trust


@contextlib.contextmanager
def running(directory: Path, *, port: int = 0) -> Iterator[Receivers]:
    """All of them, until the block ends, at that port unless it is busy; `directory` gets their certificates."""
    authority = Authority.create(directory)
    with reserved_port(port) as free, Receiver(_Behaviours(), tls=_tls(authority), port=free) as receiver:
        yield Receivers(port=receiver.port, closed_port=closed_port(), bundle=authority.bundle)


class _Behaviours:
    """What is done with a connection, by the host that its first request names."""

    def __init__(self) -> None:
        self._requests: Counter[str] = Counter()

    def __call__(self, conversation: Conversation) -> None:
        while True:
            request = conversation.read_request()
            found = _HOST.search(request)
            host = found[1].decode().removesuffix(".localhost") if found else ""
            self._requests[host] += 1
            self._answer(host, self._requests[host], conversation)

    def _answer(self, host: str, number: int, conversation: Conversation) -> None:
        match host:
            case "erp.northwind":
                conversation.send(_answer("503 Service Unavailable", _PAGE, "Content-Type: text/html"))
            case "till.lumen" if number % 3 == 2:
                conversation.reset()
            case "loyalty.lumen":
                conversation.hold()
            case "drivers.atlas" if number % 2:
                refusal = b'{"error": "signature does not match", "header": "stripe-signature"}'
                conversation.send(_answer("401 Unauthorized", refusal, "Content-Type: application/json"))
            case "invoices.atlas":
                conversation.send(
                    _answer("301 Moved Permanently", b"", "Location: https://invoices.atlas.localhost/in/")
                )
            case "partner.atlas":
                conversation.send(_answer("429 Too Many Requests", b"slow down\n", "Retry-After: 900"))
            case "legacy.kobo":
                conversation.send(_answer("410 Gone", b"This shop has closed.\n"))
            case "telnet.kobo":
                conversation.send(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")
                conversation.end()
            case "long.noor":
                conversation.send(_answer("500 Internal Server Error", _BINARY))
            case "ledger.northwind" if number == 2:
                conversation.send(_answer("429 Too Many Requests", b"", "Retry-After: 1"))
            case _:
                conversation.send(_answer("200 OK", b'{"received": true}', "Content-Type: application/json"))


def _answer(status: str, body: bytes, *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", "Server: nginx", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(head).encode() + body


def _tls(authority: Authority) -> ssl.SSLContext:
    """A certificate for each host: good, expired, or signed by itself."""
    contexts = {}
    for part in endpoint_parts().values():
        match part.key:
            case "expired":
                context = authority.server_context(host=part.host, valid_for=-_DAY)
            case "staging":
                context = authority.server_context(host=part.host, self_signed=True)
            case _:
                context = authority.server_context(host=part.host)
        contexts[part.host] = context

    def choose(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
        if name in contexts:
            connection.context = contexts[name]

    default = authority.server_context()
    default.sni_callback = choose
    return default
