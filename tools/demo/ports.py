"""A TCP port of 127.0.0.1 for a server that binds it later."""

from __future__ import annotations

import contextlib
import random
import socket
from collections.abc import Iterator

from tools.failures import Failure

HOST = "127.0.0.1"
TRIES = 20
_BELOW_CLIENTS = (12_000, 32_000)


@contextlib.contextmanager
def reserved_port(preferred: int) -> Iterator[int]:
    """The preferred port, or, where that is busy, one that the system chooses; ours alone inside the block.

    Between our look and the server's bind, another demo must not find the same port free, and granian
    would even share it (SO_REUSEPORT). So the UDP port of the same number, which no HTTP server uses, is
    held meanwhile: it needs no file and ends with the process.
    """
    for wanted in (preferred, *[0] * TRIES):
        with socket.socket(type=socket.SOCK_STREAM) as look, socket.socket(type=socket.SOCK_DGRAM) as hold:
            # As servers do: connections of an earlier server that linger do not make a port busy.
            look.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                look.bind((HOST, wanted))
                port = int(look.getsockname()[1])
                hold.bind((HOST, port))
            except OSError:
                continue
            look.close()
            yield port
            return
    raise Failure(f"No port of {HOST} is free.", suggestion="end some servers of this machine")


@contextlib.contextmanager
def adjacent_ports(count: int) -> Iterator[range]:
    """So many ports in a row that are free, ours inside the block.

    Below those that systems give to clients: a client's closed connection keeps its port from servers for a minute.
    """
    while True:
        first = random.randrange(*_BELOW_CLIENTS)
        ports = range(first, first + count)
        with contextlib.ExitStack() as stack:
            if all(stack.enter_context(reserved_port(port)) == port for port in ports):
                yield ports
                return
