"""The instrument itself: what a link through it does to bytes and connections."""

import contextlib
import errno
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.environment.proxy import MOST_HELD, Proxy, Way
from tests.processes import PATIENCE, until

SHORT = 0.2  # seconds in which an answer that is held does not come


class _Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            while data := self.request.recv(65536):
                self.request.sendall(data)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = False


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """To a server that says what it hears."""
    with _Server(("127.0.0.1", 0), _Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        with Proxy(("127.0.0.1", server.server_address[1])) as running:
            yield running
        server.shutdown()
        thread.join()


@pytest.fixture
def client(proxy: Proxy) -> Iterator[socket.socket]:
    with connected(proxy) as connection:
        yield connection


def connected(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE)


def asked(client: socket.socket, words: bytes = b"hello") -> bytes:
    client.sendall(words)
    return heard(client, len(words))


def heard(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = client.recv(size - len(data))
        assert part, "closed early"
        data += part
    return data


def says_nothing(client: socket.socket) -> bool:
    client.settimeout(SHORT)
    try:
        client.recv(1)
    except TimeoutError:
        return True
    finally:
        client.settimeout(PATIENCE)
    return False


def test_passes_bytes_both_ways_and_counts_connections(proxy: Proxy, client: socket.socket) -> None:
    assert asked(client) == b"hello"
    with connected(proxy) as other:
        assert asked(other, b"x" * 500_000) == b"x" * 500_000
        assert (proxy.accepted, proxy.open) == (2, 2)
    until(lambda: proxy.open == 1, what="the end of the closed one")


def test_reaches_a_unix_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with socketserver.ThreadingUnixStreamServer(path, _Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        with Proxy(path) as proxy, connected(proxy) as client:
            assert asked(client) == b"hello"
        server.shutdown()
        thread.join()


def test_an_end_that_closes_is_told_to_the_other(client: socket.socket) -> None:
    client.sendall(b"last words")
    client.shutdown(socket.SHUT_WR)
    assert heard(client, 10) == b"last words"
    assert client.recv(1) == b""


@pytest.mark.parametrize("way", Way)
def test_holds_what_is_stalled_until_it_is_mended(proxy: Proxy, client: socket.socket, way: Way) -> None:
    proxy.stall(way)
    client.sendall(b"hello")
    assert says_nothing(client)
    proxy.mend()
    assert heard(client, 5) == b"hello"


def test_accepts_connections_while_it_stalls(proxy: Proxy) -> None:
    proxy.stall()
    with connected(proxy) as client:
        until(lambda: proxy.accepted == 1, what="the connection")
        client.sendall(b"hello")
        assert says_nothing(client)
        proxy.mend()
        assert heard(client, 5) == b"hello"


def test_a_sender_waits_when_too_much_is_held(proxy: Proxy, client: socket.socket) -> None:
    proxy.stall(Way.ANSWERS)
    client.settimeout(SHORT)
    with pytest.raises(TimeoutError):
        client.sendall(b"x" * (64 * MOST_HELD))
    proxy.mend()
    client.settimeout(PATIENCE)
    assert heard(client, 1000) == b"x" * 1000


def test_delays_one_way(proxy: Proxy, client: socket.socket) -> None:
    proxy.delay(0.3, Way.ANSWERS)
    begun = time.monotonic()
    assert asked(client) == b"hello"
    assert time.monotonic() - begun >= 0.3


def test_cuts_what_is_open_and_serves_who_connects_again(proxy: Proxy, client: socket.socket) -> None:
    assert asked(client) == b"hello"
    proxy.cut()
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    assert proxy.open == 0
    with connected(proxy) as again:
        assert asked(again) == b"hello"


def test_refuses_until_it_is_mended(proxy: Proxy, client: socket.socket) -> None:
    assert asked(client) == b"hello"
    proxy.refuse()
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    with pytest.raises(ConnectionError), connected(proxy) as refused:
        asked(refused)
    proxy.mend()
    with connected(proxy) as again:
        assert asked(again) == b"hello"
    assert proxy.accepted == 2


def test_lost_packets_are_acknowledged_by_nobody(proxy: Proxy, client: socket.socket) -> None:
    assert asked(client) == b"hello"
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 300)
    proxy.lose()
    client.sendall(b"into the void")
    with pytest.raises(OSError) as caught:
        client.recv(1)
    assert caught.value.errno == errno.ETIMEDOUT


def test_lost_packets_come_again_when_the_link_is_mended(proxy: Proxy, client: socket.socket) -> None:
    assert asked(client) == b"hello"
    proxy.lose()
    client.sendall(b"again")
    assert says_nothing(client)
    proxy.mend()
    assert heard(client, 5) == b"again"


def test_nobody_connects_while_packets_are_lost(proxy: Proxy) -> None:
    proxy.lose()
    with socket.socket() as client:
        client.settimeout(SHORT)
        with pytest.raises(TimeoutError):
            client.connect(("127.0.0.1", proxy.port))
    proxy.mend()
    with connected(proxy) as client:
        assert asked(client) == b"hello"


def test_a_client_that_gave_up_is_found_out_after_mending(proxy: Proxy, client: socket.socket) -> None:
    assert asked(client) == b"hello"
    proxy.lose()
    client.close()
    assert proxy.open == 1
    proxy.mend()
    until(lambda: proxy.open == 0, what="the end of what its client left")


def test_springs_once_a_request_holds_the_words(proxy: Proxy, client: socket.socket) -> None:
    sprung = proxy.spring_at(b"COMMIT", Way.ANSWERS)
    assert asked(client, b"BEGIN") == b"BEGIN"
    assert not sprung.is_set()
    client.sendall(b"COMMIT")
    until(sprung.is_set, what="the trap")
    assert says_nothing(client)
    proxy.mend()
    assert heard(client, 6) == b"COMMIT"
