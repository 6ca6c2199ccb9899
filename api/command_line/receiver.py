"""A receiver of webhooks on this machine: verifies what arrives, hands it on, and answers."""

import queue
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from requests import PreparedRequest
from requests.exceptions import RequestException

from dispatcher.addresses import AddressPolicy
from dispatcher.diagnosis.causes import Verdict
from dispatcher.diagnosis.signatures import Case, diagnose
from dispatcher.exchanges import TransportError
from dispatcher.transport import CurlAdapter

_LARGEST_BODY = 16 * 1024 * 1024
# An idle connection of a dispatcher's is kept for 50 s; threads of ended ones do not pile up.
_IDLE_SECONDS = 60
# Within a dispatcher's deadline, so that it hears what the program behind us did.
_FORWARD_SECONDS = 12.0
# What belongs to the connection between a dispatcher and us, and not to the request.
_NOT_FORWARDED = frozenset(
    {"connection", "content-length", "expect", "host", "keep-alive", "transfer-encoding"}
)


@dataclass(frozen=True, slots=True)
class Forwarded:
    """What the program behind us answered."""

    status: int | None  # None where no answer came
    ms: float
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One delivery that arrived."""

    at: datetime
    path: str
    headers: Mapping[str, str] = field(repr=False)  # names in lower case
    body: bytes = field(repr=False)
    verdicts: Sequence[Verdict]
    forwarded: Forwarded | None
    answered: int

    @property
    def verified(self) -> bool:
        return all(verdict.verifies for verdict in self.verdicts)


class Receiver:
    """Listens while its `with` block runs; each delivery that arrived is in `receipts` once it was answered.

    A refused signature is answered with 400. What is forwarded is answered as the program behind us answers, or with
    502 where it does not: so its failures are tried again, as they will be later.

    Parameters:
        port: 0 takes a free one.
        forward_to: where deliveries are handed on, byte for byte and with their headers.

    Raises:
        OSError: the port cannot be listened on.
    """

    def __init__(self, *, host: str, port: int, forward_to: str | None = None) -> None:
        self.receipts: queue.SimpleQueue[Receipt] = queue.SimpleQueue()
        self.secret = ""  # set before anything is sent here
        self._forward_to = forward_to
        self._server = _Server((host, port), _Handler)
        self._server.receiver = self
        self.port: int = self._server.server_address[1]
        self._acceptor = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True
        )

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._acceptor.join()
        self._server.server_close()

    def receive(self, path: str, headers: Mapping[str, str], body: bytes, adapter: CurlAdapter) -> int:
        """Judge one delivery and forward it through `adapter`; the status to answer with. From any thread."""
        verdicts = diagnose(Case(headers=headers, body=body, secret=self.secret, now=int(time.time())))
        forwarded = None
        status = 200 if all(verdict.verifies for verdict in verdicts) else 400
        if status == 200 and self._forward_to is not None:
            forwarded = self._forward(headers, body, adapter)
            status = forwarded.status or 502
        self.receipts.put(
            Receipt(
                at=datetime.now(UTC),
                path=path,
                headers=headers,
                body=body,
                verdicts=verdicts,
                forwarded=forwarded,
                answered=status,
            )
        )
        return status

    def _forward(self, headers: Mapping[str, str], body: bytes, adapter: CurlAdapter) -> Forwarded:
        request = PreparedRequest()
        kept = {name: value for name, value in headers.items() if name not in _NOT_FORWARDED}
        request.prepare(method="POST", url=self._forward_to, headers=kept, data=body)
        began = time.monotonic()
        try:
            status, detail = adapter.send(request).status_code, ""
        except RequestException as error:
            status, detail = None, error.detail if isinstance(error, TransportError) else type(error).__name__
        return Forwarded(status, (time.monotonic() - began) * 1000, detail)


class _Server(ThreadingHTTPServer):
    receiver: Receiver
    daemon_threads = True
    block_on_close = False  # idle connections of dispatchers would hold it up for a minute


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        # One for each connection: those of others go on while one is slow. The program is the caller's own:
        # wherever it listens, it may be reached.
        self.adapter = CurlAdapter(
            address_policy=AddressPolicy(allow=["0.0.0.0/0", "::/0"]), total_timeout=_FORWARD_SECONDS, slots=1
        )

    def finish(self) -> None:
        self.adapter.close()
        super().finish()

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit() and int(length) <= _LARGEST_BODY):
            self.close_connection = True
            self._answer(411 if not length.isdigit() else 413)
            return
        body = self.rfile.read(int(length))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._answer(self.server.receiver.receive(self.path, headers, body, self.adapter))

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """What arrived is told by whoever takes the receipts."""
