"""A merchant's receiver: takes webhooks on a real socket, logs each whole request, answers when it may."""

import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(slots=True, eq=False)
class Received:
    """One request that arrived whole."""

    path: str
    headers: dict[str, str] = field(repr=False)  # names in lower case
    body: bytes = field(repr=False)
    peer_port: int
    connection: socket.socket = field(repr=False)
    answered: bool = False  # the answer is written; whether it arrived only its sender knows

    @property
    def event_id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def timestamp(self) -> int:
        """Unix seconds, as signed."""
        return int(self.headers["webhook-timestamp"])

    @property
    def awaited(self) -> bool:
        """Whether its sender still holds the connection and waits for the answer."""
        if self.answered:
            return False
        try:
            return self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False


class Shop:
    """Listens on a loopback port, a thread per connection, while its `with` block runs.

    Attributes:
        received: every whole request, in the order of arrival.
    """

    def __init__(self) -> None:
        self.received: list[Received] = []
        self._may_answer = threading.Event()
        self._may_answer.set()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.shop = self
        self.port: int = self._server.server_address[1]
        self._acceptor = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Its senders must have ended: each connection is served until they close it."""
        self.answer()
        self._server.shutdown()
        self._acceptor.join()
        self._server.server_close()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def hold(self) -> None:
        """Leave every request without its answer, from now on."""
        self._may_answer.clear()

    def answer(self) -> None:
        """Answer all that is held, and what comes."""
        self._may_answer.set()

    def held(self) -> list[Received]:
        """What waits for its answer."""
        return [request for request in list(self.received) if request.awaited]

    def take(self, request: Received) -> None:
        """Log it; returns when it may be answered."""
        self.received.append(request)
        self._may_answer.wait()


class _Server(ThreadingHTTPServer):
    # The senders of two dispatchers may connect all at once.
    request_queue_size = 512
    # server_close() waits for the threads, so that no socket is left to the garbage collector.
    daemon_threads = False
    shop: Shop


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body in one write: two would wait for each other (Nagle, delayed acknowledgement).
    wbufsize = -1
    server: _Server

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        try:
            body = self.rfile.read(length)
            if len(body) < length:
                self.close_connection = True
                return
            request = Received(
                path=self.path,
                headers={name.lower(): value for name, value in self.headers.items()},
                body=body,
                peer_port=self.client_address[1],
                connection=self.connection,
            )
            self.server.shop.take(request)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
            self.wfile.flush()
            request.answered = True
        except OSError:
            # Its sender is gone: killed, or at its deadline.
            self.close_connection = True

    def finish(self) -> None:
        try:
            super().finish()
        except OSError:
            self.connection.close()

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *arguments: Any) -> None:
        """Said by `Shop.received`."""
