"""Clients that take their time, many at once, from one thread: the attack that is called slow loris."""

import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle
from typing import Self

from tests.deploy.connections import SECONDS, connected

PAUSE = 0.2  # seconds between two bytes of one client


def _slow_head(host: str, key: str) -> Iterator[bytes]:
    """A head that never ends, a byte at a time."""
    yield f"POST /customers/ HTTP/1.1\r\nHost: {host}\r\nX-Padding: ".encode()
    yield from cycle([b"a"])


def _slow_body(host: str, key: str) -> Iterator[bytes]:
    """A good head, and a body of which a byte comes at a time."""
    yield (
        f"POST /customers/ HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"
        "Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n"
    ).encode()
    yield from cycle([b" "])


def _unread(host: str, key: str) -> Iterator[bytes]:
    """Asks for the largest file there is and never reads it, nor ends its next request."""
    path = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"
    yield f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    yield from cycle([b"G"])


KINDS: tuple[Callable[[str, str], Iterator[bytes]], ...] = (_slow_head, _slow_body, _unread)


@dataclass(slots=True)
class _Client:
    kind: int
    parts: Iterator[bytes]
    socket: ssl.SSLSocket
    sent: int = field(default=0)


class SlowClients:
    """`count` of them, a third of each kind, for as long as the `with` block runs; one that is cut off comes again.

    Attributes:
        trickling: how many are connected and have sent more than their beginning.
        cut_off: how many connections the server ended, by kind.
    """

    def __init__(self, port: int, trust: ssl.SSLContext, host: str, key: str, *, count: int) -> None:
        self.trickling = 0
        self.cut_off = [0] * len(KINDS)
        self._target = port, trust, host
        self._key = key
        self._count = count
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        assert self._failure is None, self._failure

    def _run(self) -> None:
        clients: list[_Client] = []
        try:
            clients += [self._client(number % len(KINDS)) for number in range(self._count)]
            while not self._stopped.wait(PAUSE):
                for place, client in enumerate(clients):
                    if not _goes_on(client):
                        client.socket.close()
                        self.cut_off[client.kind] += 1
                        clients[place] = self._client(client.kind)
                self.trickling = sum(client.sent > 1 for client in clients)
        except BaseException as error:
            self._failure = error
        finally:
            for client in clients:
                client.socket.close()

    def _client(self, kind: int) -> _Client:
        return _Client(kind, KINDS[kind](self._target[2], self._key), connected(*self._target))


def _goes_on(client: _Client) -> bool:
    """Whether its connection still stands, after it sent its next part."""
    try:
        client.socket.sendall(next(client.parts))
        client.sent += 1
        return KINDS[client.kind] is _unread or not _is_answered(client.socket)
    except OSError:
        return False


def _is_answered(connection: ssl.SSLSocket) -> bool:
    """Whether there is anything to read, or the end."""
    connection.settimeout(0)
    try:
        connection.recv(1)
    except ssl.SSLWantReadError:
        return False
    finally:
        connection.settimeout(SECONDS)
    return True
