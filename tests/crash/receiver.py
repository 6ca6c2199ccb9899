"""`python -m tests.crash.receiver PORT SEED`: takes webhooks and answers as their path says, and tells what it got.

`/ok` answers 200. `/slow` does so 100 ms later, `/flaky` answers a third with 500, `/cut` breaks a quarter of its
answers off in the middle. `GET /taken` tells of the requests since it was asked last, a JSON line each.

One thread and no parsing beyond what must be known: it shares two processors with what is struck.
"""

import heapq
import http.client
import itertools
import json
import random
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.processes import ROOT, until
from tools.demo.ports import HOST, reserved_port

OK, SLOW, FLAKY, CUT = PATHS = ("/ok", "/slow", "/flaky", "/cut")
AGENT = "crash-suite/"  # the User-Agent, with the number of the process behind it
SLOWNESS = 0.1  # seconds
_FLAWED = {FLAKY: 1 / 3, CUT: 1 / 4}  # the share of requests
_SUCCESS = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_FAILURE = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\nsick"
_MOST = 1 << 18  # bytes of one request, and of one read


@dataclass(frozen=True, slots=True)
class Request:
    """One request that arrived whole."""

    event: str  # the webhook-id
    path: str
    arrived: float  # seconds since 1970
    signed: int  # the webhook-timestamp, seconds since 1970
    sender: int  # the number of its process
    answer: int  # 200 or 500; 0 where the answer was broken off, or nobody was there to take it


class Receiver:
    def __init__(self, port: int, seed: int) -> None:
        self._random = random.Random(seed)
        self._listener = socket.create_server((HOST, port), backlog=4096)
        self._listener.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._begun: dict[socket.socket, bytes] = {}  # what has arrived of the next request
        self._later: list[tuple[float, int, socket.socket, list[object]]] = []  # by time.monotonic()
        self._places = itertools.count()
        self._taken: list[list[object]] = []
        self._stopped = False

    def stop(self, *_: object) -> None:
        self._stopped = True

    def run(self) -> None:
        while not self._stopped:
            timeout = max(0.0, self._later[0][0] - time.monotonic()) if self._later else 0.5
            for key, _ in self._selector.select(timeout):
                if key.fileobj is self._listener:
                    self._accept()
                else:
                    assert isinstance(key.fileobj, socket.socket)
                    self._read(key.fileobj)
            while self._later and self._later[0][0] <= time.monotonic():
                *_, connection, request = heapq.heappop(self._later)
                self._answer(connection, request, _SUCCESS)
        for connection in [*self._begun, self._listener]:
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except BlockingIOError:
                return
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._begun[connection] = b""
            self._selector.register(connection, selectors.EVENT_READ)

    def _read(self, connection: socket.socket) -> None:
        try:
            data = connection.recv(_MOST)
        except ConnectionError:
            data = b""
        if not data:
            self._drop(connection)
            return
        data = self._begun[connection] + data
        head, blank, body = data.partition(b"\r\n\r\n")
        if not blank or len(body) < int(_header(head, b"content-length") or 0):
            self._begun[connection] = data
            return
        self._begun[connection] = b""
        self._take(connection, head)

    def _take(self, connection: socket.socket, head: bytes) -> None:
        method, path, _ = head.split(b" ", 2)
        if method == b"GET":
            self._tell(connection)
            return
        where = path.decode()
        request: list[object] = [
            _header(head, b"webhook-id").decode(),
            where,
            time.time(),
            int(_header(head, b"webhook-timestamp")),
            int(_header(head, b"user-agent").decode().removeprefix(AGENT)),
            0,
        ]
        self._taken.append(request)
        flawed = self._random.random() < _FLAWED.get(where, 0.0)
        if where == SLOW:
            due = time.monotonic() + SLOWNESS
            heapq.heappush(self._later, (due, next(self._places), connection, request))
        elif flawed and where == CUT:
            self._send(connection, _SUCCESS[: len(_SUCCESS) // 2])
            self._drop(connection)
        else:
            self._answer(connection, request, _FAILURE if flawed else _SUCCESS)

    def _answer(self, connection: socket.socket, request: list[object], answer: bytes) -> None:
        if connection in self._begun and self._send(connection, answer):
            request[-1] = 200 if answer is _SUCCESS else 500

    def _send(self, connection: socket.socket, data: bytes) -> bool:
        try:
            connection.sendall(data)
        except OSError:
            self._drop(connection)
            return False
        return True

    def _drop(self, connection: socket.socket) -> None:
        if self._begun.pop(connection, None) is not None:
            self._selector.unregister(connection)
            connection.close()

    def _tell(self, connection: socket.socket) -> None:
        """Of all but those whose answer is still due."""
        waiting = {id(request) for *_, request in self._later}
        told = [request for request in self._taken if id(request) not in waiting]
        self._taken = [request for request in self._taken if id(request) in waiting]
        text = "".join(json.dumps(request) + "\n" for request in told).encode()
        connection.setblocking(True)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text))
        connection.setblocking(False)


def _header(head: bytes, name: bytes) -> bytes:
    """Of the product's own spelling or libcurl's: two looks spare lowering the head."""
    for spelling in (name, name.title()):
        _, found, rest = head.partition(b"\r\n" + spelling + b":")
        if found:
            return rest.partition(b"\r\n")[0].strip()
    return b""


@dataclass(frozen=True, slots=True)
class RunningReceiver:
    """As the runner sees it.

    Attributes:
        port: what a proxy before it connects to.
    """

    port: int

    def url(self, path: str) -> str:
        return f"http://{HOST}:{self.port}{path}"

    def taken(self) -> list[Request]:
        """What arrived since the last call, in order."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=60)
        try:
            connection.request("GET", "/taken")
            lines = connection.getresponse().read().splitlines()
        finally:
            connection.close()
        return [Request(*json.loads(line)) for line in lines]


@contextmanager
def running(seed: int) -> Iterator[RunningReceiver]:
    with reserved_port(0) as port:
        program = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.receiver", str(port), str(seed)],
            cwd=ROOT,
            start_new_session=True,
        )
        try:
            until(lambda: _answers(port), what="the receiver")
            yield RunningReceiver(port)
        finally:
            program.terminate()
            program.wait()


def _answers(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def main() -> int:
    receiver = Receiver(*map(int, sys.argv[1:]))
    signal.signal(signal.SIGTERM, receiver.stop)
    receiver.run()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
