"""TLS connections to the proxy, by the name that it is deployed under."""

import http.client
import socket
import ssl

SECONDS = 60.0  # that a socket waits at most


def connected(port: int, trust: ssl.SSLContext, host: str) -> ssl.SSLSocket:
    """A socket that is ready to be spoken over."""
    return trust.wrap_socket(
        socket.create_connection(("127.0.0.1", port), timeout=SECONDS), server_hostname=host
    )


class NamedConnection(http.client.HTTPSConnection):
    """Requests to `host`, over a loopback port."""

    def __init__(self, port: int, trust: ssl.SSLContext, host: str) -> None:
        super().__init__(host, timeout=SECONDS, context=trust)
        self._target = port, trust, host

    def connect(self) -> None:
        self.sock = connected(*self._target)
