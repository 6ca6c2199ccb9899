"""Every misbehaviour that design calls hostile, over real sockets: what is recorded, never how long it took."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from dispatcher.addresses import AddressPolicy
from dispatcher.outcomes import RESPONSE_LIMIT, FailureCode, Outcome, outcome_of
from dispatcher.transport import CurlAdapter
from tests.dispatcher.certificates import Authority
from tests.hostile.receivers import (
    OK,
    Conversation,
    Receiver,
    Script,
    answer_all,
    answer_once,
    closed_port,
)
from tests.processes import PATIENCE, until

LOOPBACK = AddressPolicy(allow=["127.0.0.0/8", "::1/128"])
SOON = 0.3


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    directory: Path = tmp_path_factory.mktemp("authority")
    return Authority.create(directory)


@pytest.fixture
def adapter(authority: Authority) -> Iterator[CurlAdapter]:
    made = CurlAdapter(
        address_policy=LOOPBACK, total_timeout=5.0, connect_timeout=5.0, ca_bundle=authority.bundle
    )
    yield made
    made.close()


def post(url: str, *, body: bytes = b'{"id":"evt_1"}') -> requests.PreparedRequest:
    return requests.Request("POST", url, data=body, headers={"Content-Type": "application/json"}).prepare()


def attempt(adapter: CurlAdapter, url: str, *, timeout: float | None = None) -> Outcome:
    try:
        return outcome_of(adapter.send(post(url), timeout=timeout))
    except requests.exceptions.RequestException as error:
        return outcome_of(error)


def outcome_against(adapter: CurlAdapter, script: Script, *, timeout: float | None = None) -> Outcome:
    with Receiver(script) as receiver:
        return attempt(adapter, receiver.url(), timeout=timeout)


def after_request(*parts: bytes) -> Script:
    def script(conversation: Conversation) -> None:
        conversation.read_request()
        conversation.send(*parts)
        conversation.hold()

    return script


def test_headers_a_byte_at_a_time_end_at_the_total_deadline(adapter: CurlAdapter) -> None:
    def script(conversation: Conversation) -> None:
        conversation.read_request()
        conversation.drip(b"HTTP/1.1 200 OK\r\nX-Filler: " + b"x" * 10_000)

    outcome = outcome_against(adapter, script, timeout=SOON)

    assert (outcome.failure_code, outcome.status) == (FailureCode.TIMEOUT_TOTAL, None)


def test_body_a_byte_at_a_time_ends_at_the_total_deadline_and_keeps_what_came(adapter: CurlAdapter) -> None:
    def script(conversation: Conversation) -> None:
        conversation.read_request()
        conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
        conversation.drip(b"x" * 10_000)

    outcome = outcome_against(adapter, script, timeout=SOON)

    assert (outcome.failure_code, outcome.status) == (FailureCode.TIMEOUT_TOTAL, 200)
    assert outcome.response.startswith(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\nx")


def test_paced_flood_of_100_continue_ends_at_the_total_deadline(adapter: CurlAdapter) -> None:
    def script(conversation: Conversation) -> None:
        conversation.read_request()
        conversation.flood(b"HTTP/1.1 100 Continue\r\n\r\n", every=0.005)

    outcome = outcome_against(adapter, script, timeout=SOON)

    assert (outcome.failure_code, outcome.status) == (FailureCode.TIMEOUT_TOTAL, None)


def test_unbounded_flood_of_100_continue_ends_at_the_header_cap(adapter: CurlAdapter) -> None:
    def script(conversation: Conversation) -> None:
        conversation.read_request()
        conversation.flood(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)

    assert outcome_against(adapter, script).failure_code is FailureCode.TOO_LARGE


def test_silence_ends_at_the_total_deadline(adapter: CurlAdapter) -> None:
    outcome = outcome_against(adapter, after_request(), timeout=SOON)

    assert (outcome.failure_code, outcome.response) == (FailureCode.TIMEOUT_TOTAL, b"")
    assert outcome.peer_ip == "127.0.0.1"


def test_tls_stall_is_a_tls_timeout(adapter: CurlAdapter, authority: Authority) -> None:
    with Receiver(
        lambda conversation: conversation.hold(), tls=authority.server_context(), mute=True
    ) as receiver:
        outcome = attempt(adapter, receiver.url(), timeout=SOON)

    assert outcome.failure_code is FailureCode.TIMEOUT_TLS
    assert outcome.timings.connect_ms is not None
    assert outcome.timings.tls_ms is None


@pytest.mark.parametrize("framing", [b"", b"Content-Length: 400000000\r\n"], ids=["endless", "huge"])
def test_body_over_the_cap_after_2xx_succeeds_truncated_on_a_dropped_connection(
    adapter: CurlAdapter, framing: bytes
) -> None:
    def script(conversation: Conversation) -> None:
        conversation.read_request()
        conversation.send(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n")
        conversation.flood(b"x" * 65536)

    with Receiver(script) as receiver:
        outcome = attempt(adapter, receiver.url())
        again = attempt(adapter, receiver.url())

    assert (outcome.succeeded, outcome.truncated, outcome.status) == (True, True, 200)
    assert len(outcome.response) == RESPONSE_LIMIT
    assert again.succeeded
    assert receiver.connections == 2


def test_body_over_the_cap_after_an_error_status_is_judged_by_the_status(adapter: CurlAdapter) -> None:
    def script(conversation: Conversation) -> None:
        conversation.read_request()
        conversation.send(b"HTTP/1.1 500 Oh\r\n\r\n")
        conversation.flood(b"x" * 65536)

    outcome = outcome_against(adapter, script)

    assert (outcome.failure_code, outcome.truncated) == (FailureCode.HTTP_5XX, True)


@pytest.mark.parametrize(
    "filler",
    [
        b"X-Filler: " + b"x" * 70_000 + b"\r\n",
        b"X-Filler: xxxxxxxxxx\r\n" * 4_000,
        b"X-Filler: " + b"x" * 200_000 + b"\r\n",
    ],
    ids=["one long header", "many headers", "a header longer than libcurl takes"],
)
def test_more_than_64_kib_of_headers_is_too_large(adapter: CurlAdapter, filler: bytes) -> None:
    outcome = outcome_against(
        adapter, after_request(b"HTTP/1.1 200 OK\r\n", filler, b"Content-Length: 0\r\n\r\n")
    )

    assert outcome.failure_code is FailureCode.TOO_LARGE


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 700 Odd\r\nContent-Length: 0\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2p1\r\n",
        b"220 mail.example ESMTP\r\n",
        b"<html>hello</html>",
        b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffffffffff\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Nul: a\0b\r\nContent-Length: 0\r\n\r\n",
    ],
    ids=[
        "status is no number", "status of four digits", "status 700", "ssh", "smtp", "html", "Content-Length in words",
        "negative Content-Length", "two Content-Lengths", "chunk size is no number", "chunk size overflows",
        "101", "NUL in a header",
    ],
)  # fmt: skip
def test_invalid_http_is_a_protocol_error(adapter: CurlAdapter, answer: bytes) -> None:
    assert outcome_against(adapter, answer_once(answer)).failure_code is FailureCode.PROTOCOL_ERROR


@pytest.mark.parametrize("informational", [b"102 Processing", b"103 Early Hints"])
def test_informational_answer_before_200_is_200(adapter: CurlAdapter, informational: bytes) -> None:
    outcome = outcome_against(
        adapter, after_request(b"HTTP/1.1 ", informational, b"\r\nLink: </a>\r\n\r\n", OK)
    )

    assert (outcome.succeeded, outcome.status, outcome.response) == (True, 200, OK)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_refused_and_its_location_kept(adapter: CurlAdapter, status: int) -> None:
    location = "https://user:pw@new.test/hook?token=s3cret"
    answer = f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    with Receiver(answer_all(answer.encode())) as receiver:
        outcome = attempt(adapter, receiver.url())

    assert (outcome.failure_code, outcome.status) == (FailureCode.REDIRECT_REFUSED, status)
    assert outcome.location == location
    assert "https://new.test/hook" in outcome.detail
    assert "s3cret" not in outcome.detail
    assert "pw" not in outcome.detail
    assert len(receiver.requests) == 1


def test_not_even_a_session_that_follows_redirects_follows_one(adapter: CurlAdapter) -> None:
    with Receiver(answer_all()) as other, requests.Session() as session:
        moved = f"HTTP/1.1 302 Moved\r\nLocation: {other.url()}\r\nContent-Length: 0\r\n\r\n".encode()
        session.mount("http://", adapter)
        with Receiver(answer_all(moved)) as receiver:
            response = session.post(receiver.url(), data=b"x", allow_redirects=True)

    assert response.status_code == 302
    assert other.requests == []


def test_reset_before_a_status_is_connection_reset(adapter: CurlAdapter) -> None:
    def script(conversation: Conversation) -> None:
        conversation.read_request()
        conversation.reset()

    outcome = outcome_against(adapter, script)

    assert (outcome.failure_code, outcome.status) == (FailureCode.CONNECTION_RESET, None)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 20"], ids=["nothing", "half a status line"])
def test_close_before_a_status_is_no_answer(adapter: CurlAdapter, answer: bytes) -> None:
    outcome = outcome_against(adapter, answer_once(answer))

    assert (outcome.failure_code, outcome.status) == (FailureCode.CONNECTION_RESET, None)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf",
    ],
    ids=["sized", "chunked"],
)
def test_close_amid_the_body_is_connection_reset(adapter: CurlAdapter, answer: bytes) -> None:
    outcome = outcome_against(adapter, answer_once(answer))

    assert (outcome.failure_code, outcome.status) == (FailureCode.CONNECTION_RESET, 200)


def close_on_second_request(conversation: Conversation) -> None:
    conversation.read_request()
    conversation.send(OK)
    conversation.read_request()


def reset_on_second_request(conversation: Conversation) -> None:
    close_on_second_request(conversation)
    conversation.reset()


@pytest.mark.parametrize("script", [close_on_second_request, reset_on_second_request])
def test_stale_connection_is_an_attempt_of_its_own_and_the_next_takes_a_fresh_one(
    adapter: CurlAdapter, script: Script
) -> None:
    with Receiver(script) as receiver:
        outcomes = [attempt(adapter, receiver.url()) for _ in range(3)]

    assert [outcome.failure_code for outcome in outcomes] == [None, FailureCode.STALE_CONNECTION, None]
    assert len(receiver.requests) == 3, "a request was sent that no attempt records"
    assert receiver.connections == 2


def test_connection_that_was_closed_while_it_rested_is_not_used_again(adapter: CurlAdapter) -> None:
    with Receiver(answer_once(OK)) as receiver:
        first = attempt(adapter, receiver.url())
        until(lambda: receiver.open_connections == 0, what="the end of the connection")
        second = attempt(adapter, receiver.url())

    assert (first.succeeded, second.succeeded) == (True, True)
    assert receiver.connections == 2


def test_connection_on_which_more_came_than_was_asked_for_is_not_used_again(adapter: CurlAdapter) -> None:
    """Else what is left over would be taken for the answer to the next request."""
    left_over = threading.Event()

    def script(conversation: Conversation) -> None:
        conversation.read_request()
        conversation.send(OK)
        conversation.pause(0.05)
        conversation.send(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
        left_over.set()
        conversation.hold()

    with Receiver(script) as receiver:
        first = attempt(adapter, receiver.url())
        assert left_over.wait(PATIENCE)
        second = attempt(adapter, receiver.url())

    assert (first.status, second.status) == (200, 200)
    assert receiver.connections == 2


def test_stale_connection_to_a_receiver_that_went_away_is_still_recorded_as_sent(
    adapter: CurlAdapter,
) -> None:
    with Receiver(close_on_second_request) as receiver:
        assert attempt(adapter, receiver.url()).succeeded
        receiver.refuse_connections()
        outcome = attempt(adapter, receiver.url())

    assert outcome.failure_code is FailureCode.STALE_CONNECTION
    assert len(receiver.requests) == 2


def test_stale_connection_is_not_replaced_by_another_kept_one(adapter: CurlAdapter) -> None:
    with Receiver(close_on_second_request) as receiver:
        both = list(adapter.send_many(post(receiver.url()) for _ in range(2)))
        assert [outcome_of(result).succeeded for _, result in both] == [True, True]
        assert receiver.connections == 2
        stale = attempt(adapter, receiver.url())
        requests_after_stale = len(receiver.requests)
        again = attempt(adapter, receiver.url())

    assert (stale.failure_code, requests_after_stale) == (FailureCode.STALE_CONNECTION, 3)
    assert again.succeeded, "the other kept connection is as stale as the first"
    assert receiver.connections == 3


@pytest.mark.parametrize(
    ("flaw", "code"),
    [
        ({"valid_for": timedelta(days=-1)}, FailureCode.TLS_EXPIRED),
        ({"host": "shop.test"}, FailureCode.TLS_HOSTNAME),
        ({"self_signed": True}, FailureCode.TLS_UNTRUSTED),
    ],
    ids=["expired", "wrong host", "self-signed"],
)
def test_bad_certificate_is_refused(
    adapter: CurlAdapter, authority: Authority, flaw: dict[str, object], code: FailureCode
) -> None:
    with Receiver(answer_all(), tls=authority.server_context(**flaw)) as receiver:  # type: ignore[arg-type]
        outcome = attempt(adapter, receiver.url())

    assert outcome.failure_code is code
    assert receiver.requests == []


def test_authority_nobody_trusts_is_refused(authority: Authority) -> None:
    adapter = CurlAdapter(address_policy=LOOPBACK)
    with Receiver(answer_all(), tls=authority.server_context()) as receiver:
        outcome = attempt(adapter, receiver.url())
    adapter.close()

    assert outcome.failure_code is FailureCode.TLS_UNTRUSTED


def test_certificates_are_verified_even_where_a_session_says_otherwise(
    adapter: CurlAdapter, authority: Authority
) -> None:
    context = authority.server_context(self_signed=True)
    with Receiver(answer_all(), tls=context) as receiver, pytest.raises(requests.exceptions.SSLError):
        adapter.send(post(receiver.url()), verify=False)

    assert receiver.requests == []


def test_old_tls_is_refused(adapter: CurlAdapter, authority: Authority) -> None:
    with Receiver(answer_all(), tls=authority.old_tls_context()) as receiver:
        outcome = attempt(adapter, receiver.url())

    assert outcome.failure_code is FailureCode.TLS_PROTOCOL


def test_https_url_of_a_plain_http_server_is_a_tls_failure(adapter: CurlAdapter) -> None:
    with Receiver(after_request_of_any_kind) as receiver:
        outcome = attempt(adapter, receiver.url().replace("http:", "https:"))

    assert outcome.failure_code is FailureCode.TLS_PROTOCOL


def after_request_of_any_kind(conversation: Conversation) -> None:
    conversation.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    conversation.hold()


def test_body_that_is_no_text_is_kept_as_bytes(adapter: CurlAdapter) -> None:
    body = b"\x00\xff\xfe not utf-8 \x80"
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)

    outcome = outcome_against(adapter, answer_once(answer))

    assert (outcome.succeeded, outcome.response) == (True, answer)


@pytest.mark.parametrize(
    ("status", "retry_after", "code", "expected"),
    [
        (429, "120", FailureCode.HTTP_429, timedelta(seconds=120)),
        (503, "Sun, 22 Nov 2026 10:01:30 GMT", FailureCode.HTTP_5XX, timedelta(seconds=90)),
        (429, "soon", FailureCode.HTTP_429, None),
        (500, "120", FailureCode.HTTP_5XX, None),
    ],
)
def test_retry_after_is_read_from_429_and_503(
    adapter: CurlAdapter, status: int, retry_after: str, code: FailureCode, expected: timedelta | None
) -> None:
    answer = (
        f"HTTP/1.1 {status} Busy\r\nDate: Sun, 22 Nov 2026 10:00:00 GMT\r\n"
        f"retry-after: {retry_after}\r\nContent-Length: 0\r\n\r\n"
    )

    outcome = outcome_against(adapter, answer_once(answer.encode()))

    assert (outcome.failure_code, outcome.status, outcome.retry_after) == (code, status, expected)


@pytest.mark.parametrize(
    ("status", "code"),
    [(410, FailureCode.HTTP_410_GONE), (404, FailureCode.HTTP_4XX), (502, FailureCode.HTTP_5XX)],
)
def test_error_status_is_recorded(adapter: CurlAdapter, status: int, code: FailureCode) -> None:
    outcome = outcome_against(adapter, answer_once(b"HTTP/1.1 %d Oh\r\nContent-Length: 0\r\n\r\n" % status))

    assert (outcome.failure_code, outcome.status) == (code, status)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0"])
def test_denied_address_is_never_connected(host: str) -> None:
    adapter = CurlAdapter(address_policy=AddressPolicy())
    with Receiver(answer_all()) as receiver:
        outcome = attempt(adapter, receiver.url(host=host))
    adapter.close()

    assert outcome.failure_code is FailureCode.BLOCKED_ADDRESS
    assert receiver.connections == 0


def test_kept_connection_is_judged_again_before_it_is_used() -> None:
    policy = AddressPolicy(allow=["127.0.0.0/8"])
    adapter = CurlAdapter(address_policy=policy)
    with Receiver(answer_all()) as receiver:
        first = attempt(adapter, receiver.url())
        policy.__init__(deny=["127.0.0.0/8"])  # type: ignore[misc]
        second = attempt(adapter, receiver.url())
    adapter.close()

    assert first.succeeded
    assert second.failure_code is FailureCode.BLOCKED_ADDRESS
    assert len(receiver.requests) == 1


def test_refused_connection_is_recorded(adapter: CurlAdapter) -> None:
    outcome = attempt(adapter, f"http://127.0.0.1:{closed_port()}/hook")

    assert outcome.failure_code is FailureCode.CONNECTION_REFUSED


def test_name_that_does_not_exist_is_recorded(adapter: CurlAdapter) -> None:
    outcome = attempt(adapter, "http://nothing.invalid/hook")

    assert outcome.failure_code is FailureCode.DNS_FAILED
