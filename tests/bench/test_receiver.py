"""The receiver of the bench: what it answers by path, and what it tells."""

import http.client
import socket
import threading
import time

import pytest

from bench.receiver import Receiver, RunningReceiver
from tests.processes import until
from tools.demo.ports import reserved_port


@pytest.fixture
def port():
    with reserved_port(0) as port:
        yield port


@pytest.fixture
def receiver(port):
    receiver = Receiver(port)
    thread = threading.Thread(target=receiver.run)
    thread.start()
    yield receiver
    receiver.stop()
    thread.join()
    receiver.close()


@pytest.fixture
def received(receiver, port):
    return RunningReceiver(port, 0)


def post(received: RunningReceiver, path: str, id_: str = "evt_1", timeout: float = 10) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", received.port, timeout=timeout)
    try:
        connection.request("POST", path, b"{}", {"webhook-id": id_})
        return connection.getresponse().status
    finally:
        connection.close()


def test_path_decides_the_answer(received):
    assert post(received, "/ok") == 200
    assert post(received, "/500") == 500
    assert [post(received, f"/{status}") for status in (302, 410, 429)] == [302, 410, 429]


def test_a_flaky_path_fails_every_other_time(received):
    assert [post(received, "/flaky") for _ in range(4)] == [500, 200, 500, 200]


def test_what_is_no_http_and_a_reset_are_no_answers(received):
    with pytest.raises(http.client.BadStatusLine):
        post(received, "/garbage")
    with pytest.raises(ConnectionResetError):
        post(received, "/reset")


def test_slow_path_answers_after_its_time(received):
    began = time.monotonic()
    assert post(received, "/slow/50") == 200
    assert time.monotonic() - began >= 0.05


def test_hanging_path_never_answers(received):
    with pytest.raises(TimeoutError):
        post(received, "/hang", timeout=0.2)


def test_arrivals_are_told_once(received):
    before = time.time()
    post(received, "/ok", "evt_a")
    post(received, "/500", "evt_b")
    first, second = received.taken()
    assert (first.path, first.webhook_id, second.path, second.webhook_id) == ("/ok", "evt_a", "/500", "evt_b")
    assert before <= first.at <= second.at <= time.time()
    assert received.taken() == []


def test_request_in_pieces_is_one_request(receiver, received):
    head = b"POST /ok HTTP/1.1\r\nwebhook-id: evt_x\r\nContent-Le"
    with socket.create_connection(("127.0.0.1", received.port), timeout=10) as connection:
        connection.sendall(head)
        until(lambda: head in receiver._begun.values(), what="the first piece")
        more = b"ngth: 4\r\n\r\n{"
        connection.sendall(more)
        until(lambda: head + more in receiver._begun.values(), what="the second piece")
        connection.sendall(b"  }")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    assert [arrival.webhook_id for arrival in received.taken()] == ["evt_x"]
