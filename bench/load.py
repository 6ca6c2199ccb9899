"""`python -m bench.load`: POST over keep-alive connections as fast as the server answers, from one process.

Each connection sends its next request when the last is answered (a closed loop). With --confirm a connection
creates a payment intent and then confirms it, in turn. Writes a JSON file: what was answered in the time, and how
long each kind of request took. Any answer but a 2xx ends it with an error that quotes the answer.
"""

import argparse
import gc
import json
import re
import select
import socket
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bench.series import percentile

CREATE, CONFIRM = "create", "confirm"
_BODY = b'{"amount":2000,"currency":"usd","payment_method":"pm_card_visa","description":"bench"}'
_INTENT = re.compile(rb'"id": ?"(pi_\w+)"')
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class UnexpectedAnswer(Exception):
    """The server answered something else than a 2xx."""


@dataclass(slots=True)
class Connection:
    requests: Iterator[tuple[str, bytes]]
    socket: socket.socket
    kind: str = ""
    sent_at: float = 0.0
    answer: bytes = b""
    intent: str = ""


@dataclass(slots=True)
class Tally:
    """Seconds each answered request took, by kind."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {CREATE: [], CONFIRM: []})
    began: float = 0.0
    ended: float = 0.0

    def as_json(self) -> dict[str, object]:
        elapsed = self.ended - self.began
        return {
            "seconds": elapsed,
            **{
                kind: {
                    "answered": len(taken),
                    "rate": len(taken) / elapsed,
                    "p50_ms": percentile(taken, 50) * 1000,
                    "p99_ms": percentile(taken, 99) * 1000,
                }
                for kind, taken in self.seconds.items()
                if taken
            },
        }


class Client:
    """A closed loop over some connections."""

    def __init__(self, url: str, *, api_key: str, idempotency: bool, confirm: bool) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "", parts.port or 80)
        self._path = parts.path
        self._head = (
            f"Host: {parts.netloc}\r\nAuthorization: Bearer {api_key}\r\nContent-Type: application/json\r\n"
        )
        self._idempotency = idempotency
        self._confirm = confirm

    def run(self, *, connections: int, seconds: float) -> Tally:
        tally = Tally()
        epoll = select.epoll()
        open_: dict[int, Connection] = {}
        for _ in range(connections):
            one = socket.create_connection(self._address)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(iter(()), one)
            connection.requests = self._requests(connection)
            open_[one.fileno()] = connection
            epoll.register(one, select.EPOLLIN)
        tally.began = time.perf_counter()
        until = tally.began + seconds
        for connection in open_.values():
            _send_next(connection)
        while open_:
            for descriptor, _ in epoll.poll():
                connection = open_[descriptor]
                if not _read(connection):
                    continue
                now = time.perf_counter()
                tally.seconds[connection.kind].append(now - connection.sent_at)
                if now < until:
                    _send_next(connection)
                else:
                    epoll.unregister(descriptor)
                    open_.pop(descriptor).socket.close()
        tally.ended = time.perf_counter()
        return tally

    def _requests(self, connection: Connection) -> Iterator[tuple[str, bytes]]:
        while True:
            yield CREATE, self._post(self._path, _BODY)
            if self._confirm:
                yield CONFIRM, self._post(f"{self._path}{connection.intent}/confirm/", b"{}")

    def _post(self, path: str, body: bytes) -> bytes:
        key = f"Idempotency-Key: {uuid.uuid4().hex}\r\n" if self._idempotency else ""
        head = f"POST {path} HTTP/1.1\r\n{self._head}{key}Content-Length: {len(body)}\r\n\r\n"
        return head.encode() + body


def _send_next(connection: Connection) -> None:
    connection.kind, request = next(connection.requests)
    connection.answer = b""
    connection.sent_at = time.perf_counter()
    connection.socket.sendall(request)


def _read(connection: Connection) -> bool:
    """Whether the answer is complete. Raises UnexpectedAnswer where it is no 2xx."""
    data = connection.socket.recv(1 << 16)
    answer = connection.answer = connection.answer + data
    head, blank, body = answer.partition(b"\r\n\r\n")
    if data and not blank:
        return False
    length = _LENGTH.search(head)
    if not data or length is None or answer[9:10] != b"2":
        raise UnexpectedAnswer(answer.decode(errors="replace")[:2000] or "the connection was closed")
    if len(body) < int(length[1]):
        return False
    if connection.kind == CREATE and (intent := _INTENT.search(body)):
        connection.intent = intent[1].decode()
    return True


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.load", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url", help="where payment intents are created, with the closing slash")
    parser.add_argument("--api-key", default="")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--confirm", action="store_true", help="confirm each intent, too")
    parser.add_argument("--no-idempotency", action="store_true", help="send no Idempotency-Key")
    parser.add_argument("--out", type=Path, required=True, help="file for the results")
    options = parser.parse_args()
    client = Client(
        options.url, api_key=options.api_key, idempotency=not options.no_idempotency, confirm=options.confirm
    )
    gc.disable()
    try:
        tally = client.run(connections=options.connections, seconds=options.seconds)
    except UnexpectedAnswer as error:
        sys.stderr.write(f"{error}\n")
        return 1
    options.out.write_text(json.dumps(tally.as_json()) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
