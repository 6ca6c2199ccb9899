"""What a scene finds in a network of its own: names as it likes, listeners on every address, the real transport."""

import contextlib
import importlib
import ipaddress
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pytest
import requests

from dispatcher.addresses import AddressPolicy
from dispatcher.exchanges import ReadyRequest
from dispatcher.outcomes import Outcome, outcome_of
from dispatcher.transport import CurlAdapter
from dispatcher.urls import ANY_PORT, UrlRefused, UrlRules, check_addresses
from tests.hostile.receivers import OK
from tests.processes import PATIENCE, ROOT
from tests.ssrf.name_server import NameServer, Zone
from tests.ssrf.network import ENTER, obstacle, own_every_address
from tests.ssrf.table import is_denied

PUBLIC, PUBLIC_IPV6 = "93.184.216.34", "2606:4700::1111"
RULES = UrlRules(allow_http=True, ports=ANY_PORT)
EVERYWHERE = AddressPolicy(allow=["0.0.0.0/0", "::/0"])


def played_on_an_internet(scene: Callable[..., Any], *arguments: object) -> Any:
    """What `scene`, a function of a module, finds in a process and a network of its own; as JSON carries it."""
    if (reason := obstacle()) is not None:
        pytest.skip(reason)
    told = subprocess.run(
        [*ENTER, sys.executable, "-m", __name__, scene.__module__, scene.__name__, json.dumps(arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=5 * PATIENCE,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout)


class Listeners:
    """Accept on some ports of every address, or of one, and answer every request, until the process ends.

    Attributes:
        requests: head and body of each, in the order of arrival.
    """

    def __init__(self, *ports: int, host: str = "::", answer: bytes = OK) -> None:
        self.requests: list[bytes] = []
        self._connections: list[_Connection] = []
        self._ours: list[_Connection] = []
        self._news = threading.Condition()
        self._answer = answer
        self._host = "127.0.0.1" if host == "::" else host
        self._ports = ports
        for port in ports:
            # One of "::" takes IPv4 too.
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listener = socket.create_server(
                (host, port), family=family, backlog=1024, dualstack_ipv6=host == "::"
            )
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def accepted(self) -> list[tuple[str, int]]:
        """Of each connection so far the address and port it was made to; none is still on its way.

        The kernel hands connections over in their order, and the last one of each port is made here.
        """
        self._ours += [self._passed(port) for port in self._ports]
        return [(one.address, one.port) for one in self._connections if one not in self._ours]

    def reached(self) -> list[str]:
        """The addresses of `accepted`."""
        return [address for address, _ in self.accepted()]

    def _passed(self, port: int) -> "_Connection":
        with socket.create_connection((self._host, port), timeout=PATIENCE) as last:
            ours = _Connection(*_numeric(last.getpeername()), *_numeric(last.getsockname()))
            with self._news:
                assert self._news.wait_for(lambda: ours in self._connections, PATIENCE)
        return ours

    def _accept(self, listener: socket.socket) -> None:
        while True:
            connection, client = listener.accept()
            with self._news:
                self._connections.append(_Connection(*_numeric(connection.getsockname()), *_numeric(client)))
                self._news.notify_all()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            unread = b""
            while data := connection.recv(65536):
                unread += data
                head, blank, body = unread.partition(b"\r\n\r\n")
                if blank and len(body) >= _content_length(head):
                    self.requests.append(unread)
                    unread = b""
                    connection.sendall(self._answer)


class _Connection(NamedTuple):
    address: str
    port: int
    client_address: str
    client_port: int


def _numeric(socket_address: tuple[Any, ...]) -> tuple[str, int]:
    """IPv4 as such, where a socket of both families took it; IPv6 without its zone."""
    text, port, *_ = socket_address
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address), port


def _content_length(head: bytes) -> int:
    lines = head.lower().split(b"\r\n")
    return next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)


def changing(answers: Mapping[str, Sequence[Sequence[str]]]) -> Zone:
    """Each name's answers one after another, the last for ever."""

    def zone(name: str, nth: int) -> Sequence[str] | None:
        turns = answers.get(name)
        return None if turns is None else turns[min(nth, len(turns) - 1)]

    return zone


@contextlib.contextmanager
def names(answers: Mapping[str, Sequence[Sequence[str]]], *, ttl: int = 0) -> Iterator[NameServer]:
    with NameServer(changing(answers), ttl=ttl) as server:
        yield server


@contextlib.contextmanager
def transport(
    policy: AddressPolicy | None = None, *, rules: UrlRules | None = RULES, slots: int = 64
) -> Iterator[CurlAdapter]:
    """The dispatcher's own, with its default policy."""
    made = CurlAdapter(
        address_policy=policy or AddressPolicy(),
        url_rules=rules,
        total_timeout=PATIENCE,
        connect_timeout=PATIENCE,
        slots=slots,
    )
    try:
        yield made
    finally:
        made.close()


def post_to(url: str) -> requests.PreparedRequest:
    """As the dispatcher builds it."""
    return ReadyRequest(url=url, body=b"{}", header_lines=["Content-Type: application/json"])


def attempts(adapter: CurlAdapter, urls: Iterable[str]) -> list[Outcome]:
    """One to each, in the order in which they ended."""
    return [outcome_of(result) for _, result in adapter.send_many(map(post_to, urls))]


def attempt(adapter: CurlAdapter, url: str) -> Outcome:
    (outcome,) = attempts(adapter, [url])
    return outcome


def creation(url: str) -> str:
    """What becomes of an endpoint with this URL when it is made: its normal form, or the failure code."""
    try:
        return check_addresses(url, RULES, AddressPolicy()).text
    except UrlRefused as refusal:
        return str(refusal.code)


def denied_among(addresses: Iterable[str]) -> list[str]:
    return [address for address in addresses if is_denied(address)]


def _play(module: str, scene: str, arguments: str) -> None:
    own_every_address()
    found = getattr(importlib.import_module(module), scene)(*json.loads(arguments))
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    _play(*sys.argv[1:])
