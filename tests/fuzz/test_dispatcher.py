"""What endpoints' owners and endpoints write, read by the dispatcher's parsers."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.addresses import AddressPolicy
from dispatcher.answer_heads import final_head
from dispatcher.exchanges import CurlResponse, Exchange, parse_headers
from dispatcher.outcomes import RESPONSE_LIMIT, Outcome, outcome_of
from dispatcher.urls import ANY_PORT, UrlRefused, UrlRules, check_url
from dispatcher.verification import SignatureError, verify_standard, verify_stripe
from tests.fuzz.work import assert_linear

RULES = UrlRules(allow_http=True, ports=ANY_PORT)
REQUEST = requests.PreparedRequest()
checked = check_url.__wrapped__

hosts = st.text("abz019.-_:[]@%xX０。ａßéа\u00ad\u200b", max_size=20) | st.ip_addresses().map(str)
urls = st.builds("{}{}{}{}".format, st.sampled_from(["http://", "https://", "HTTP:", ""]), hosts,
                 st.sampled_from(["", ":80", ":", ":99999", ":٣"]), st.text(max_size=20))  # fmt: skip
lines = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n", b"HTTP/1.1 103 Early\n", b"HTTP/1.0 503 \r\n",
        b"HTTP/2 429\r\n", b"HTTP/1.1 101 Switching\r\n", b"HTTP/1.1 2000 OK\r\n", b"HTTP/1.1 301\r\n", b"\r\n", b"\n",
        b"X: y\r\n", b": \r\n", b"Retry-After: 5\r\n", b"Retry-After:\t99999999999\r\n", b"no colon\r\n", b"\0\r\n",
        b"Date: Sun, 22 Nov 2026 10:00:00 GMT\r\n", b"Location: http://[::1\r\n", b"Location: //u:p@x/?q#f\r\n",
        b"\xff: \xff\r\n",
    ]
)  # fmt: skip
heads = st.lists(lines | st.binary(max_size=20), max_size=12).map(b"".join)


@given(urls | st.text(max_size=60))
def test_a_url_is_brought_into_one_form_or_refused(url: str) -> None:
    try:
        normal = checked(url, RULES)
    except UrlRefused:
        return
    assert normal.text.isascii()
    assert normal.text.startswith(f"{normal.scheme}://")
    assert not set(normal.host) & set("@/?#\\% ")
    assert checked(normal.text, RULES) == normal


@given(st.text(max_size=50) | st.ip_addresses().map(str))
def test_any_text_is_an_address_that_is_permitted_or_is_refused_with_words(text: str) -> None:
    refusal = AddressPolicy().refusal(text)
    assert refusal is None or 0 < len(refusal) < 200


@given(heads)
def test_the_head_is_of_what_came_and_holds_its_status(received: bytes) -> None:
    head = final_head(received)
    assert head.text in received
    assert head.complete is (head.text.endswith((b"\r\n\r\n", b"\n\n", b"\n\r\n")) and head.problem is None)
    if head.complete:
        assert head.text.startswith(b"HTTP/")
        assert not head.text.startswith(b"HTTP/1.1 101")


def answered(status: int, head: bytes, body: bytes = b"") -> Outcome:
    return outcome_of(CurlResponse(REQUEST, Exchange(status=status, head=head, body=body)))


@given(st.integers(100, 599), heads, st.binary(max_size=20))
def test_any_answer_has_one_outcome(status: int, head: bytes, body: bytes) -> None:
    outcome = answered(status, head, body)
    assert outcome.succeeded is (200 <= status < 300)
    assert outcome.succeeded is (outcome.failure_code is None)
    assert outcome.response == (head + body)[:RESPONSE_LIMIT]
    assert outcome.detail.isprintable()
    assert "u:p" not in outcome.detail


@given(heads)
def test_any_head_has_headers_of_text(head: bytes) -> None:
    assert all(isinstance(value, str) and ":" not in name for name, value in parse_headers(head).items())


retry_after = st.one_of(
    st.text(st.characters(max_codepoint=255), max_size=40),
    st.integers(-1, 10**12).map(str),
    st.datetimes().map(lambda moment: moment.strftime("%a, %d %b %Y %H:%M:%S GMT")),
    st.text("SunMo, 0123456789Nov:GMT+-", max_size=50),
)


@given(st.sampled_from([429, 503]), retry_after, retry_after)
def test_any_retry_after_is_a_wait_or_ignored(status: int, value: str, date: str) -> None:
    head = f"HTTP/1.1 {status} Wait\r\nDate: {date}\r\nRetry-After: {value}\r\n\r\n".encode("latin-1")
    wait = answered(status, head).retry_after
    assert wait is None or wait >= timedelta()
    if value.strip().isascii() and value.strip().isdigit() and len(value.strip()) <= 10:
        assert wait == timedelta(seconds=int(value))


signatures = st.text("t=v1,0123456789abcdef ", max_size=60) | st.text(max_size=40)


@given(signatures, st.binary(max_size=20), st.integers(0, 2**33))
def test_any_stripe_signature_is_refused_for_a_reason(header: str, body: bytes, now: int) -> None:
    with pytest.raises(SignatureError):
        verify_stripe(header=header, body=body, secret="whsec_c2VjcmV0", now=now)


@given(signatures, signatures, st.binary(max_size=20), st.integers(0, 2**33))
def test_any_standard_signature_is_refused_for_a_reason(
    timestamp: str, signature: str, body: bytes, now: int
) -> None:
    headers = {"webhook-id": "evt_1", "webhook-timestamp": timestamp, "webhook-signature": signature}
    with pytest.raises(SignatureError):
        verify_standard(headers=headers, body=body, secret="whsec_" + "c2VjcmV0" * 4, now=now)


URL_BOMBS: dict[str, Callable[[int], str]] = {
    "a long path": lambda size: "https://shop.test/" + "a" * size,
    "escapes": lambda size: "https://shop.test/" + "é" * size,
    "labels": lambda size: "https://" + "a." * (size // 2) + "test/",
    "foreign labels": lambda size: "https://" + "ü." * (size // 2) + "test/",
    "a foreign label": lambda size: "https://" + "ü" * size + ".test/",
    "marks": lambda size: "https://a" + "\u0300" * size + ".test/",
    "brackets": lambda size: "https://" + "[" * size,
    "colons": lambda size: "https://[" + ":" * size + "]/",
    "at signs": lambda size: "https://" + "@" * size,
    "a long port": lambda size: "https://shop.test:" + "1" * size,
    "dots": lambda size: "https://" + "." * size,
    "digits": lambda size: "https://" + "1" * size + "/",
}
HEAD_BOMBS: dict[str, Callable[[int], bytes]] = {
    "informational heads": lambda size: (
        b"HTTP/1.1 100 Continue\r\n\r\n" * (size // 8) + b"HTTP/1.1 200 OK\r\n\r\n"
    ),
    "nothing but informational heads": lambda size: b"HTTP/1.1 103 Early\r\n\r\n" * (size // 8),
    "many headers": lambda size: b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * size + b"\r\n",
    "a header again": lambda size: b"HTTP/1.1 200 OK\r\n" + b"x-one: two\r\n" * size + b"\r\n",
    "a long header": lambda size: b"HTTP/1.1 200 OK\r\na: " + b"b" * size + b"\r\n\r\n",
    "a long status line": lambda size: b"HTTP/1.1 200 " + b"K" * size,
    "blank lines": lambda size: b"HTTP/1.1 200 OK\r\n" + b"\r\n" * size,
    "line feeds": lambda size: b"\n" * size,
    "trailers": lambda size: b"HTTP/1.1 200 OK\r\n\r\n" + b"x: y\r\n" * size,
    "no line": lambda size: b"H" * size,
}
RETRY_BOMBS: dict[str, Callable[[int], str]] = {
    "digits": lambda size: "1" * size,
    "spaces": lambda size: " " * size + "x",
    "commas": lambda size: "Sun," * size,
    "colons": lambda size: "Sun, 22 Nov 2026 " + "1:" * size,
    "signs": lambda size: "Sun, 22 Nov 2026 10:00:00 " + "+-" * size,
    "words": lambda size: "Nov " * size,
}
SIGNATURE_BOMBS: dict[str, Callable[[int], str]] = {
    "signatures": lambda size: "t=1," + "v1=ab," * size,
    "timestamps": lambda size: "t=1," * size,
    "commas": lambda size: "," * size,
    "a long signature": lambda size: "t=1,v1=" + "a" * size,
}


# The first is short enough to be read to its end, the second is not.
@pytest.mark.parametrize("size", [100, 1_000])
@pytest.mark.parametrize("bomb", URL_BOMBS)
def test_the_work_of_a_url_grows_with_its_size(bomb: str, size: int) -> None:
    assert_linear(lambda url: checked(url, RULES), URL_BOMBS[bomb], refusals=(UrlRefused,), size=size)


@pytest.mark.parametrize("bomb", HEAD_BOMBS)
def test_the_work_of_a_head_grows_with_its_size(bomb: str) -> None:
    assert_linear(final_head, HEAD_BOMBS[bomb], refusals=())
    assert_linear(parse_headers, HEAD_BOMBS[bomb], refusals=())


@pytest.mark.parametrize("bomb", RETRY_BOMBS)
def test_the_work_of_a_retry_after_grows_with_its_size(bomb: str) -> None:
    assert_linear(
        lambda value: answered(429, f"HTTP/1.1 429 Wait\r\nRetry-After: {value}\r\n\r\n".encode()),
        RETRY_BOMBS[bomb],
        refusals=(),
    )


@pytest.mark.parametrize("bomb", SIGNATURE_BOMBS)
def test_the_work_of_a_signature_grows_with_its_size(bomb: str) -> None:
    assert_linear(
        lambda header: verify_stripe(header=header, body=b"", secret="whsec_c2VjcmV0", now=1),
        SIGNATURE_BOMBS[bomb],
        refusals=(SignatureError,),
    )
