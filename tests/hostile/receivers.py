"""Scriptable receivers on real sockets: each connection is handed to a script that may misbehave as it likes."""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Hangup(Exception):
    """The other side closed the connection, or the receiver was stopped."""


class Conversation:
    """One accepted connection, seen from the receiver."""

    def __init__(self, connection: socket.socket, receiver: "Receiver") -> None:
        self._connection = connection
        self._receiver = receiver
        self._unread = b""

    def read_request(self) -> bytes:
        """The next request, head and body by Content-Length; also appended to `receiver.requests`."""
        while b"\r\n\r\n" not in self._unread:
            self._read_more()
        head, _, _ = self._unread.partition(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        end = len(head) + 4 + length
        while len(self._unread) < end:
            self._read_more()
        request, self._unread = self._unread[:end], self._unread[end:]
        self._receiver.requests.append(request)
        return request

    def sip(self, size: int, *, every: float) -> None:
        """Read so many bytes at a time until the other side gives up."""
        while True:
            with _hangups():
                if not self._connection.recv(size):
                    raise Hangup
            self.pause(every)

    def pause(self, seconds: float) -> None:
        if self._receiver.stopping.wait(seconds):
            raise Hangup

    def wait_for_end(self) -> None:
        """Read nothing until the receiver is stopped."""
        self._receiver.stopping.wait()
        raise Hangup

    def read_some(self) -> bytes:
        """Whatever comes next, of TLS too where the script speaks it by itself."""
        if not self._unread:
            self._read_more()
        data, self._unread = self._unread, b""
        return data

    def send(self, *parts: bytes) -> None:
        with _hangups():
            for part in parts:
                self._connection.sendall(part)

    def drip(self, data: bytes, *, every: float = 0.01) -> None:
        """Send a byte at a time until the other side gives up."""
        for position in range(len(data)):
            self.send(data[position : position + 1])
            self.pause(every)

    def flood(self, part: bytes, *, every: float = 0.0) -> None:
        """Send `part` again and again until the other side gives up."""
        while True:
            self.send(part)
            self.pause(every)

    def hold(self) -> None:
        """Say nothing until the other side gives up."""
        while True:
            self._read_more()

    def end(self) -> None:
        """Close, and be done with this connection."""
        raise Hangup

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()

    def _read_more(self) -> None:
        with _hangups():
            data = self._connection.recv(65536)
        if not data:
            raise Hangup
        self._unread += data


Script = Callable[[Conversation], None]


def answer_all(response: bytes = OK) -> Script:
    """Answer every request of a connection with the same bytes, and keep the connection alive."""

    def script(conversation: Conversation) -> None:
        while True:
            conversation.read_request()
            conversation.send(response)

    return script


def answer_once(response: bytes) -> Script:
    """Answer one request with these bytes, then close."""

    def script(conversation: Conversation) -> None:
        conversation.read_request()
        conversation.send(response)

    return script


class Gate:
    """A receiver's script that answers nothing before it is opened."""

    def __init__(self) -> None:
        self.opened = threading.Event()

    def __call__(self, conversation: Conversation) -> None:
        while True:
            conversation.read_request()
            self.opened.wait(60)
            conversation.send(OK)


class Receiver:
    """Listens on a loopback port, a thread per connection, until the `with` block ends.

    Attributes:
        requests: every complete request, in the order of arrival.
        connections: how many were accepted.
    """

    def __init__(
        self,
        script: Script,
        *,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        mute: bool = False,
    ) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.stopping = threading.Event()
        self._script = script
        self._tls = tls
        self._mute = mute  # accept and never speak, not even TLS
        self._host = host
        self._wanted_port = port  # 0: the system chooses
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        self._listener = socket.create_server((self._host, self._wanted_port), family=family, backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        self.refuse_connections()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    @property
    def open_connections(self) -> int:
        return len(self._open)

    def refuse_connections(self) -> None:
        """Stop listening; connections that are open go on."""
        # shutdown() is what ends an accept() under way; close() alone leaves it asleep.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self._listener.close()

    def url(self, path: str = "/hook", *, host: str | None = None) -> str:
        scheme = "https" if self._tls else "http"
        shown = host or (f"[{self._host}]" if ":" in self._host else self._host)
        return f"{scheme}://{shown}:{self.port}{path}"

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.add(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, accepted: socket.socket) -> None:
        connection = accepted
        try:
            if self._tls is not None and not self._mute:
                with _hangups():
                    connection = self._tls.wrap_socket(accepted, server_side=True)
                self._open.add(connection)
            self._script(Conversation(connection, self))
        except Hangup:
            pass
        finally:
            connection.close()
            accepted.close()
            self._open -= {connection, accepted}


@contextlib.contextmanager
def _hangups():
    try:
        yield
    except OSError as error:  # ssl.SSLError is one
        raise Hangup from error


def closed_port() -> int:
    """A port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
