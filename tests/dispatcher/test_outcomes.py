"""From whatever a transport hands back to an outcome: totally, and without leaking."""

from datetime import UTC, datetime, timedelta

import pytest
import requests
from requests import exceptions

from dispatcher.exchanges import CurlResponse, Exchange, Timings, transport_error
from dispatcher.outcomes import EXPLANATIONS, RESPONSE_LIMIT, FailureCode, Outcome, outcome_of


def answered(status: int, headers: str = "", body: bytes = b"", *, truncated: bool = False) -> Outcome:
    head = f"HTTP/1.1 {status} Word\r\n{headers}\r\n".encode("latin-1")
    exchange = Exchange(
        status=status, head=head, body=body, truncated=truncated, timings=Timings(total_ms=1.5)
    )
    return outcome_of(CurlResponse(requests.PreparedRequest(), exchange))


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_2xx_succeeds(status: int) -> None:
    outcome = answered(status)

    assert (outcome.succeeded, outcome.failure_code, outcome.status, outcome.detail) == (
        True,
        None,
        status,
        "",
    )


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (300, FailureCode.REDIRECT_REFUSED),
        (304, FailureCode.REDIRECT_REFUSED),
        (308, FailureCode.REDIRECT_REFUSED),
        (400, FailureCode.HTTP_4XX),
        (410, FailureCode.HTTP_410_GONE),
        (429, FailureCode.HTTP_429),
        (499, FailureCode.HTTP_4XX),
        (500, FailureCode.HTTP_5XX),
        (503, FailureCode.HTTP_5XX),
        (599, FailureCode.HTTP_5XX),
    ],
)
def test_other_status_fails_with_its_code(status: int, code: FailureCode) -> None:
    outcome = answered(status)

    assert (outcome.succeeded, outcome.failure_code) == (False, code)
    assert str(status) in outcome.detail


def test_response_is_cut_at_the_limit_head_included() -> None:
    exact = answered(200, body=b"x" * (RESPONSE_LIMIT - len(b"HTTP/1.1 200 Word\r\n\r\n")))
    over = answered(200, body=b"x" * RESPONSE_LIMIT)

    assert (len(exact.response), exact.truncated) == (RESPONSE_LIMIT, False)
    assert (len(over.response), over.truncated) == (RESPONSE_LIMIT, True)
    assert answered(200, body=b"x", truncated=True).truncated


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("120", timedelta(seconds=120)),
        ("  7  ", timedelta(seconds=7)),
        ("0", timedelta()),
        ("Sun, 22 Nov 2026 10:02:00 GMT", timedelta(minutes=2)),
        ("Sunday, 22-Nov-26 10:02:00 GMT", timedelta(minutes=2)),
        ("Sun, 22 Nov 2026 09:00:00 GMT", timedelta()),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("1e3", None),
        ("٣", None),
        ("²", None),
        ("9" * 5000, None),
        ("tomorrow", None),
        ("Sun, 99 Nov 2026 10:00:00 GMT", None),
        ("Sun, 22 Nov 99999999999 10:00:00 GMT", None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_seconds_or_a_date_and_garbage_is_nothing(
    status: int, value: str, expected: timedelta | None
) -> None:
    wire = value.encode().decode("latin-1")
    outcome = answered(status, f"Date: Sun, 22 Nov 2026 10:00:00 GMT\r\nRetry-After: {wire}\r\n")

    assert outcome.retry_after == expected


def test_retry_after_date_without_a_date_header_is_seen_from_our_clock() -> None:
    in_an_hour = (datetime.now(UTC) + timedelta(hours=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")

    outcome = answered(503, f"Retry-After: {in_an_hour}\r\n")

    assert outcome.retry_after is not None
    assert timedelta() < outcome.retry_after <= timedelta(hours=1)


def test_retry_after_of_a_success_or_another_failure_is_ignored() -> None:
    assert answered(200, "Retry-After: 5\r\n").retry_after is None
    assert answered(500, "Retry-After: 5\r\n").retry_after is None


@pytest.mark.parametrize(
    "location", ["", "/relative?secret=1", "http://[broken", "https://u:p@shop.test/?secret=1"]
)
def test_location_of_a_redirect_never_shows_its_query_in_the_detail(location: str) -> None:
    outcome = answered(302, f"Location: {location}\r\n")

    assert (outcome.location or "") == location
    assert "secret" not in outcome.detail
    assert "u:p" not in outcome.detail


@pytest.mark.parametrize("code", list(FailureCode))
def test_transport_error_keeps_code_and_what_came(code: FailureCode) -> None:
    exchange = Exchange(status=200, peer_ip="192.0.2.1", head=b"HTTP/1.1 200 OK\r\n\r\n", body=b"ha")
    error = transport_error(code, "it\x00 broke\n", exchange=exchange, request=requests.PreparedRequest())

    outcome = outcome_of(error)

    assert isinstance(error, exceptions.RequestException)
    assert (outcome.succeeded, outcome.failure_code, outcome.status) == (False, code, 200)
    assert outcome.response == b"HTTP/1.1 200 OK\r\n\r\nha"
    assert outcome.detail == "it  broke "


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (exceptions.ConnectTimeout(), FailureCode.TIMEOUT_CONNECT),
        (exceptions.ReadTimeout(), FailureCode.TIMEOUT_TOTAL),
        (exceptions.SSLError(), FailureCode.TLS_UNTRUSTED),
        (exceptions.ConnectionError(), FailureCode.CONNECTION_RESET),
        (exceptions.InvalidURL(), FailureCode.INVALID_URL),
        (exceptions.TooManyRedirects(), FailureCode.INTERNAL_ERROR),
        (exceptions.RequestException(), FailureCode.INTERNAL_ERROR),
    ],
)
def test_error_of_another_transport_has_an_outcome(
    error: exceptions.RequestException, code: FailureCode
) -> None:
    outcome = outcome_of(error)

    assert (outcome.succeeded, outcome.failure_code) == (False, code)
    assert outcome.detail == EXPLANATIONS[code].summary


def test_response_of_another_transport_has_an_outcome() -> None:
    response = requests.Response()
    response.status_code, response.reason = 503, "Busy"
    response.headers["Retry-After"] = "5"
    response._content = b"later"

    outcome = outcome_of(response)

    assert (outcome.failure_code, outcome.retry_after) == (FailureCode.HTTP_5XX, timedelta(seconds=5))
    assert outcome.response == b"HTTP/1.1 503 Busy\r\nRetry-After: 5\r\n\r\nlater"


def test_response_that_nobody_filled_has_an_outcome() -> None:
    assert outcome_of(requests.Response()).failure_code is FailureCode.PROTOCOL_ERROR


@pytest.mark.parametrize("code", list(FailureCode))
def test_every_code_is_explained_in_sentences(code: FailureCode) -> None:
    explanation = EXPLANATIONS[code]

    for text in (explanation.summary, explanation.likely_cause, explanation.remedy):
        assert text.endswith(".")
