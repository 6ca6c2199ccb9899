"""The adapter among well-behaved receivers: what is sent, what comes back, and how it is driven."""

import gc
import threading
import weakref
from collections.abc import Iterator

import pytest
import requests

from dispatcher.addresses import AddressPolicy
from dispatcher.failures import FailureCode
from dispatcher.outcomes import outcome_of
from dispatcher.transport import CurlAdapter
from dispatcher.urls import ANY_PORT, UrlRules
from tests.dispatcher.certificates import Authority
from tests.hostile.receivers import OK, Conversation, Receiver, answer_all, answer_once

LOOPBACK = AddressPolicy(allow=["127.0.0.0/8", "::1/128"])
LONG = 10.0  # seconds; a wait that reaches it has failed


@pytest.fixture
def adapter() -> Iterator[CurlAdapter]:
    made = CurlAdapter(address_policy=LOOPBACK, total_timeout=LONG, connect_timeout=LONG, slots=4)
    yield made
    made.close()


@pytest.fixture
def session(adapter: CurlAdapter) -> Iterator[requests.Session]:
    with requests.Session() as made:
        made.mount("http://", adapter)
        made.mount("https://", adapter)
        yield made


def bare_post(
    url: str, body: bytes = b"{}", headers: dict[str, str] | None = None
) -> requests.PreparedRequest:
    """A request as the dispatcher builds it: attributes only, no prepare()."""
    request = requests.PreparedRequest()
    request.method, request.url, request.body = "POST", url, body
    request.headers = {"Content-Type": "application/json", **(headers or {})}  # type: ignore[assignment]
    return request


def head_lines(request: bytes) -> list[bytes]:
    return request.partition(b"\r\n\r\n")[0].split(b"\r\n")


def test_session_gets_an_ordinary_response(session: requests.Session) -> None:
    answer = (
        b"HTTP/1.1 201 Created\r\nContent-Type: application/json; charset=utf-8\r\nX-Two: a\r\nx-two: b\r\n"
        b'Set-Cookie: id=1\r\nContent-Length: 11\r\n\r\n{"ok":true}'
    )
    with Receiver(answer_all(answer)) as receiver:
        response = session.post(receiver.url(), json={"a": 1})

    assert (response.status_code, response.reason, response.ok) == (201, "Created", True)
    assert response.json() == {"ok": True}
    assert response.headers["X-TWO"] == "a, b"
    assert response.encoding == "utf-8"
    assert response.elapsed.total_seconds() > 0
    assert response.url == receiver.url()


def test_dispatcher_request_is_sent_byte_for_byte(adapter: CurlAdapter) -> None:
    body = b'\x00\xff{"a": 1}\r\n\r\n'
    with Receiver(answer_all()) as receiver:
        adapter.send(
            bare_post(receiver.url("/hook?x=1"), body, headers={"webhook-id": "evt_1", "X-Empty": ""})
        )

    (request,) = receiver.requests
    lines = head_lines(request)
    assert lines[0] == b"POST /hook?x=1 HTTP/1.1"
    assert b"webhook-id: evt_1" in lines
    assert b"X-Empty:" in lines
    assert request.partition(b"\r\n\r\n")[2] == body


def test_large_body_is_sent_at_once_without_expect(session: requests.Session) -> None:
    body = b"x" * 3_000_000
    with Receiver(answer_all()) as receiver:
        session.post(receiver.url(), data=body)

    (request,) = receiver.requests
    assert not [line for line in head_lines(request) if line.lower().startswith(b"expect")]
    assert request.endswith(body)


def test_compression_is_never_asked_for_nor_undone(session: requests.Session) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nzzzz"
    with Receiver(answer_all(answer)) as receiver:
        response = session.post(receiver.url(), data=b"x")

    asked = [line for line in head_lines(receiver.requests[0]) if line.lower().startswith(b"accept-encoding")]
    assert asked == [b"Accept-Encoding: identity"]
    assert response.content == b"zzzz"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "POST"])
def test_every_method_is_sent_after_every_other(session: requests.Session, method: str) -> None:
    def script(conversation: Conversation) -> None:
        while True:
            request = conversation.read_request()
            conversation.send(OK.removesuffix(b"ok") if request.startswith(b"HEAD") else OK)

    with Receiver(script) as receiver:
        for one in ("POST", method, "POST"):
            assert session.request(one, receiver.url(), allow_redirects=False).status_code == 200

    assert [request.split()[0].decode() for request in receiver.requests] == ["POST", method, "POST"]


def test_cookies_of_one_answer_are_not_sent_with_the_next_request(adapter: CurlAdapter) -> None:
    answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: id=1\r\nContent-Length: 0\r\n\r\n"
    with Receiver(answer_all(answer)) as receiver:
        adapter.send(bare_post(receiver.url()))
        adapter.send(bare_post(receiver.url()))

    assert len(receiver.requests) == 2
    assert not [line for line in head_lines(receiver.requests[1]) if line.lower().startswith(b"cookie")]


def test_proxies_of_the_environment_are_ignored(
    adapter: CurlAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Receiver(answer_all()) as proxy, Receiver(answer_all()) as receiver:
        for name in ("http_proxy", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        adapter.send(bare_post(receiver.url()))

    assert (proxy.connections, receiver.connections) == (0, 1)


def test_connection_is_kept_alive(adapter: CurlAdapter) -> None:
    with Receiver(answer_all()) as receiver:
        results = [outcome_of(adapter.send(bare_post(receiver.url()))) for _ in range(5)]

    assert receiver.connections == 1
    assert results[0].timings.connect_ms is not None
    assert results[1].timings.connect_ms is None
    assert all(result.peer_ip == "127.0.0.1" for result in results)


def test_https_to_a_trusted_certificate_succeeds_with_every_phase_timed(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    authority = Authority.create(tmp_path_factory.mktemp("authority"))
    adapter = CurlAdapter(address_policy=LOOPBACK, ca_bundle=authority.bundle)
    with Receiver(answer_all(), tls=authority.server_context()) as receiver:
        outcome = outcome_of(adapter.send(bare_post(receiver.url())))
    adapter.close()

    timings = outcome.timings
    assert outcome.succeeded
    phases = (timings.dns_ms, timings.connect_ms, timings.tls_ms, timings.first_byte_ms)
    assert None not in phases
    assert sum(phase or 0 for phase in phases) <= (timings.total_ms or 0)


def test_ipv6_is_spoken(adapter: CurlAdapter) -> None:
    with Receiver(answer_all(), host="::1") as receiver:
        outcome = outcome_of(adapter.send(bare_post(receiver.url())))

    assert (outcome.succeeded, outcome.peer_ip) == (True, "::1")


@pytest.mark.parametrize(
    "headers", [{"X": "a\r\nInjected: 1"}, {"X": "a\nInjected: 1"}, {"X\nInjected": "1"}, {"X": "a\0b"}]
)
def test_header_that_would_inject_another_is_not_sent(adapter: CurlAdapter, headers: dict[str, str]) -> None:
    with Receiver(answer_all()) as receiver, pytest.raises(requests.exceptions.RequestException):
        adapter.send(bare_post(receiver.url(), headers=headers))

    assert receiver.connections == 0
    assert adapter.in_flight == 0


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/", "http://", "", "é"]
)
def test_url_that_is_not_http_is_not_sent(adapter: CurlAdapter, url: str) -> None:
    with pytest.raises(requests.exceptions.InvalidURL) as caught:
        adapter.send(bare_post(url))

    assert outcome_of(caught.value).failure_code is FailureCode.INVALID_URL


def test_url_rules_are_applied_again_at_send() -> None:
    adapter = CurlAdapter(address_policy=LOOPBACK, url_rules=UrlRules(allow_http=False, ports=ANY_PORT))
    with Receiver(answer_all()) as receiver:
        adapter.start("token", bare_post(receiver.url()))
        ((token, result),) = adapter.wait(LONG)
    adapter.close()

    assert token == "token"
    assert isinstance(result, requests.exceptions.InvalidURL)
    assert receiver.connections == 0


def test_send_many_sends_each_request_once_through_few_slots(adapter: CurlAdapter) -> None:
    with Receiver(answer_all()) as receiver:
        sent = [bare_post(receiver.url(f"/{number}")) for number in range(50)]
        results = list(adapter.send_many(iter(sent)))

    assert {id(request) for request, _ in results} == {id(request) for request in sent}
    assert all(outcome_of(result).succeeded for _, result in results)
    assert sorted(request.split()[1] for request in receiver.requests) == sorted(
        b"/%d" % n for n in range(50)
    )
    assert receiver.connections <= 4
    assert adapter.free_slots == 4


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_send_many_ends_with_its_requests_however_many_slots_are_free(count: int) -> None:
    adapter = CurlAdapter(address_policy=LOOPBACK, slots=1)
    with Receiver(answer_all()) as receiver:
        results = list(adapter.send_many([bare_post(receiver.url()) for _ in range(count)]))
    adapter.close()

    assert len(results) == count


def test_leaving_send_many_early_frees_every_slot(adapter: CurlAdapter) -> None:
    def script(conversation: Conversation) -> None:
        if conversation.read_request().startswith(b"POST /first "):
            conversation.send(OK)
        conversation.hold()

    with Receiver(script) as receiver:
        stream = adapter.send_many([bare_post(receiver.url(path)) for path in ("/first", "/b", "/c", "/d")])
        assert outcome_of(next(stream)[1]).succeeded
        stream.close()

        assert adapter.free_slots == 4


def test_silent_endpoint_delays_nobody_else(adapter: CurlAdapter) -> None:
    with Receiver(lambda conversation: conversation.hold()) as silent, Receiver(answer_all()) as quick:
        adapter.start("silent", bare_post(silent.url()))
        for number in range(3):
            adapter.start(number, bare_post(quick.url()))
        done: set[object] = set()
        while len(done) < 3:
            finished = adapter.wait(LONG)
            assert finished, "the quick ones wait for the silent one"
            done |= {token for token, _ in finished}

    assert done == {0, 1, 2}
    assert adapter.in_flight == 1


def test_slots_are_counted_and_one_too_many_is_refused(adapter: CurlAdapter) -> None:
    with Receiver(lambda conversation: conversation.hold()) as silent:
        for number in range(4):
            assert adapter.free_slots == 4 - number
            adapter.start(number, bare_post(silent.url()))
        with pytest.raises(RuntimeError, match="all 4 slots"):
            adapter.start(4, bare_post(silent.url()))
        assert adapter.in_flight == 4


def test_wake_from_another_thread_ends_a_wait(adapter: CurlAdapter) -> None:
    returned = threading.Event()

    def drive() -> None:
        assert adapter.wait(3600) == []
        returned.set()

    thread = threading.Thread(target=drive, daemon=True)
    thread.start()
    adapter.wake()

    assert returned.wait(LONG)
    thread.join()


def test_wakes_before_a_wait_end_that_one_and_no_further(adapter: CurlAdapter) -> None:
    for _ in range(100_000):
        adapter.wake()
    assert adapter.wait(3600) == []

    with Receiver(answer_all()) as receiver:
        adapter.start("token", bare_post(receiver.url()))
        finished = []
        for _ in range(1000):
            finished += adapter.wait(LONG)
            if finished:
                break

    assert [token for token, _ in finished] == ["token"]


def test_send_from_many_threads_takes_turns(adapter: CurlAdapter) -> None:
    outcomes: list[bool] = []
    with Receiver(answer_all()) as receiver:

        def run() -> None:
            outcomes.extend(outcome_of(adapter.send(bare_post(receiver.url()))).succeeded for _ in range(20))

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert outcomes == [True] * 80
    assert len(receiver.requests) == 80


def test_caller_timeout_shortens_one_send_only(adapter: CurlAdapter) -> None:
    def script(conversation: Conversation) -> None:
        conversation.read_request()
        conversation.drip(OK)  # takes longer than the short timeout, and less than the adapter's own

    with Receiver(script) as receiver:
        with pytest.raises(requests.exceptions.ReadTimeout):
            adapter.send(bare_post(receiver.url()), timeout=(5, 0.1))
        assert adapter.send(bare_post(receiver.url())).status_code == 200


def test_answer_is_kept_up_to_the_limit_while_the_connection_is_kept(adapter: CurlAdapter) -> None:
    body = b"y" * 40_000
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 40000\r\n\r\n" + body
    with Receiver(answer_all(answer)) as receiver:
        first = adapter.send(bare_post(receiver.url()))
        adapter.send(bare_post(receiver.url()))

    assert first.content == body[: 16 * 1024]
    assert outcome_of(first).truncated
    assert receiver.connections == 1


def test_trailers_are_no_part_of_the_head(adapter: CurlAdapter) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with Receiver(answer_once(head + b"2\r\nok\r\n0\r\nX-Trailer: 1\r\n\r\n")) as receiver:
        outcome = outcome_of(adapter.send(bare_post(receiver.url())))

    assert (outcome.succeeded, outcome.response) == (True, head + b"ok")


def test_closed_adapter_refuses_and_closing_twice_is_harmless() -> None:
    adapter = CurlAdapter(address_policy=LOOPBACK)
    with Receiver(lambda conversation: conversation.hold()) as silent:
        adapter.start("token", bare_post(silent.url()))
        adapter.wait(0)
        adapter.close()
        adapter.close()
        adapter.wake()

    assert adapter.in_flight == 0
    with pytest.raises(RuntimeError, match="closed"):
        adapter.start("token", bare_post("http://127.0.0.1/"))


def test_closed_adapter_leaves_nothing_behind() -> None:
    adapter = CurlAdapter(address_policy=LOOPBACK)
    with Receiver(answer_all()) as receiver:
        list(adapter.send_many([bare_post(receiver.url()) for _ in range(3)]))
    handles = [weakref.ref(transfer.curl) for transfer in adapter._idle]
    adapter.close()
    del adapter
    gc.collect()

    assert handles
    assert [handle for handle in handles if handle() is not None] == []


@pytest.mark.parametrize("wrong", [{"slots": 0}, {"total_timeout": 0.0}, {"connect_timeout": -1.0}])
def test_senseless_limits_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="positive"):
        CurlAdapter(address_policy=LOOPBACK, **wrong)  # type: ignore[arg-type]
