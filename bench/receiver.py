"""A receiver that tells when each delivery arrived, and that can be slow, fail or hang: by the path of the URL.

`/ok` answers 200, `/500` answers 500, `/slow/MS` answers 200 after so many milliseconds, `/hang` never answers.
`/410`, `/429` and `/302` answer so, `/flaky` every other request with 500, `/garbage` what is no HTTP; `/reset` resets.
`GET /taken` gives what arrived since it was asked last, a line each: seconds since 1970, path, webhook-id.

One thread, epoll, no parsing beyond what must be known: it shares the machine with what is measured.
"""

import argparse
import gc
import heapq
import http.client
import select
import signal
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.nginx import wait_for_port
from bench.stage import Stage
from tools.demo.ports import HOST, reserved_port

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_FAILED = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\nsick"
_ANSWERS = {
    b"/500": _FAILED,
    b"/410": b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n",
    b"/429": b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
    b"/302": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n",
    b"/garbage": b"220 this is another protocol\r\n",
}
_RESET = struct.pack("ii", 1, 0)  # linger for 0 s: closing sends RST
_MOST = 1 << 18  # bytes of one request, and of one read


class Receiver:
    def __init__(self, port: int) -> None:
        self._listener = socket.create_server((HOST, port), backlog=4096)
        self._listener.setblocking(False)
        self._epoll = select.epoll()
        self._epoll.register(self._listener, select.EPOLLIN)
        self._connections: dict[int, socket.socket] = {}
        self._begun: dict[int, bytes] = {}  # requests whose rest has not arrived
        self._later: list[tuple[float, int, socket.socket]] = []  # answers due by time.monotonic()
        self._taken: list[tuple[float, bytes, bytes]] = []
        self._stopped = False
        self._flaky = 0

    def stop(self, *_: object) -> None:
        self._stopped = True

    def close(self) -> None:
        """Close all connections, once `run` has returned."""
        for one in (*self._connections.values(), self._listener):
            one.close()
        self._epoll.close()

    def run(self) -> None:
        while not self._stopped:
            timeout = max(0.0, self._later[0][0] - time.monotonic()) if self._later else 0.5
            for descriptor, events in self._epoll.poll(timeout):
                if descriptor == self._listener.fileno():
                    self._accept()
                elif events & ~select.EPOLLIN:
                    self._drop(descriptor)
                else:
                    self._read(descriptor)
            self._answer_late()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except BlockingIOError:
                return
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections[connection.fileno()] = connection
            self._epoll.register(connection, select.EPOLLIN)

    def _read(self, descriptor: int) -> None:
        connection = self._connections[descriptor]
        try:
            data = connection.recv(_MOST)
        except ConnectionError:
            data = b""
        arrived = time.time()
        if not data:
            self._drop(descriptor)
            return
        if descriptor in self._begun:
            data = self._begun.pop(descriptor) + data
        head, blank, body = data.partition(b"\r\n\r\n")
        if not blank or len(body) < _length(head):
            self._begun[descriptor] = data
            return
        method, path, _ = head.split(b" ", 2)
        if method == b"GET":
            connection.setblocking(True)
            connection.sendall(self._tell())
            connection.setblocking(False)
            return
        self._taken.append((arrived, path, _header(head, b"webhook-id")))
        self._answer(connection, path)

    def _answer(self, connection: socket.socket, path: bytes) -> None:
        if path.startswith(b"/slow/"):
            due = time.monotonic() + int(path[6:]) / 1000
            heapq.heappush(self._later, (due, connection.fileno(), connection))
        elif path == b"/reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._drop(connection.fileno())
        elif path == b"/flaky":
            self._flaky += 1
            connection.send(_FAILED if self._flaky % 2 else _OK)
        elif path != b"/hang":
            connection.send(_ANSWERS.get(path, _OK))

    def _answer_late(self) -> None:
        now = time.monotonic()
        while self._later and self._later[0][0] <= now:
            _, descriptor, connection = heapq.heappop(self._later)
            if self._connections.get(descriptor) is connection:
                try:
                    connection.send(_OK)
                except OSError:
                    self._drop(descriptor)

    def _drop(self, descriptor: int) -> None:
        self._begun.pop(descriptor, None)
        connection = self._connections.pop(descriptor)
        self._epoll.unregister(descriptor)
        connection.close()

    def _tell(self) -> bytes:
        text = b"".join(b"%.6f %b %b\n" % one for one in self._taken)
        self._taken.clear()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text)


def _length(head: bytes) -> int:
    return int(_header(head, b"content-length") or 0)


def _header(head: bytes, name: bytes) -> bytes:
    """libcurl writes our own headers as we do and its own with capitals: two looks spare lowering the head."""
    for spelling in (name, name.title()):
        start = head.find(b"\r\n" + spelling + b":")
        if start >= 0:
            start += len(name) + 3
            end = head.find(b"\r\n", start)
            return head[start : None if end < 0 else end].strip()
    return b""


@dataclass(frozen=True, slots=True)
class Arrival:
    at: float  # seconds since 1970
    path: str
    webhook_id: str


@dataclass(frozen=True, slots=True)
class RunningReceiver:
    port: int
    pid: int

    def url(self, path: str) -> str:
        return f"http://{HOST}:{self.port}{path}"

    def taken(self) -> list[Arrival]:
        """What arrived since the last call, in order."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=60)
        try:
            connection.request("GET", "/taken")
            lines = connection.getresponse().read().decode().splitlines()
        finally:
            connection.close()
        return [Arrival(float(at), path, id_) for at, path, id_ in (line.split(" ") for line in lines)]


@contextmanager
def running(stage: Stage) -> Iterator[RunningReceiver]:
    """A receiver of its own process on a free port."""
    with reserved_port(0) as port:
        program = stage.start("receiver", "-m", "bench.receiver", "--port", str(port))
        try:
            wait_for_port(port, program)
            yield RunningReceiver(port, program.pid)
        finally:
            program.stop()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.receiver")
    parser.add_argument("--port", type=int, required=True)
    receiver = Receiver(parser.parse_args().port)
    signal.signal(signal.SIGTERM, receiver.stop)
    gc.disable()  # it makes no cycles, and a pause would be taken for latency
    receiver.run()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
