"""A proxy that loses answers, as networks do after the server has done its work."""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "host", "content-length", "date", "server"}


class LosingProxy:
    """Passes requests on to a local port; the first answer under each idempotency key never arrives.

    Attributes:
        forwarded: (method, path, idempotency key) of every request that reached the server.
    """

    def __init__(self, port: int) -> None:
        self.forwarded: list[tuple[str, str, str | None]] = []
        self.upstream = port
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self.port: int = self._server.server_address[1]
        self._acceptor = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._acceptor.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def keys(self, method: str, path: str) -> list[str | None]:
        """The idempotency keys of the requests of one kind, in order."""
        return [
            key
            for seen_method, seen_path, key in self.forwarded
            if (seen_method, seen_path) == (method, path)
        ]

    def loses(self, method: str, path: str, key: str | None) -> bool:
        """Note a request, and say whether its answer is to be lost."""
        first = key is not None and all(seen != key for _, _, seen in self.forwarded)
        self.forwarded.append((method, path, key))
        return first


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    proxy: LosingProxy


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self._forward()

    def do_POST(self) -> None:
        self._forward()

    def do_DELETE(self) -> None:
        self._forward()

    def _forward(self) -> None:
        proxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        lost = proxy.loses(self.command, path, self.headers.get("Idempotency-Key"))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
        connection = http.client.HTTPConnection("127.0.0.1", proxy.upstream, timeout=60)
        try:
            connection.request(self.command, self.path, body or None, headers)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        self.close_connection = True
        if lost:
            return
        self.send_response(response.status)
        for name, value in response.getheaders():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Said by `LosingProxy.forwarded`."""
