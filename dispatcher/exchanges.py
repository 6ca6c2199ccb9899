"""What one HTTP exchange brought: the facts, and the two forms of them that `requests` callers know.

A `CurlResponse` is a `requests.Response`, a `TransportError` a `requests.exceptions` value; both carry the
`Exchange` they were made of. The values of an attempt are named tuples: a frozen dataclass costs four times as
much to make, and every delivery makes half a dozen.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import requests
from requests.cookies import RequestsCookieJar
from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import ConnectTimeout, InvalidURL, ReadTimeout, RequestException, SSLError
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers

from dispatcher.failures import FailureCode


class Timings(NamedTuple):
    """Milliseconds that each phase took by itself; None: the phase did not end, or there was none.

    On a kept-alive connection there are no DNS, connect and TLS phases.
    """

    dns_ms: float | None = None
    connect_ms: float | None = None  # TCP only
    tls_ms: float | None = None
    first_byte_ms: float | None = None  # from the connection being ready to the answer's first byte
    total_ms: float | None = None  # the whole exchange


class Exchange(NamedTuple):
    """One request and as much of its answer as came, was kept and could be read."""

    status: int | None = None  # of the final head; None where only informational ones, or none, came
    peer_ip: str | None = None
    timings: Timings = Timings()
    head: bytes = b""  # status line, headers and blank line of the final answer
    body: bytes = b""  # its beginning, at most as much as the adapter keeps
    truncated: bool = False  # more body came than was kept


class ReadyRequest(requests.PreparedRequest):
    """A POST whose header lines are ready to be sent: they hold no line break and none of libcurl's own headers."""

    def __init__(self, *, url: str, body: bytes, header_lines: Sequence[str]) -> None:
        # Not super().__init__(): nothing of it is needed to send.
        self.method = "POST"
        self.url = url
        self.body = body
        self.header_lines = header_lines

    def __getattr__(self, name: str) -> Any:
        if name != "headers":
            raise AttributeError(name)
        return CaseInsensitiveDict(line.partition(": ")[::2] for line in self.header_lines)


class CurlResponse(requests.Response):
    """A complete answer whose headers, cookies and reason are parsed when they are first asked for.

    Building those for every response would cost as much as sending the request did. `content` is the kept
    beginning of the body; `exchange.truncated` says whether there was more.
    """

    def __init__(self, request: requests.PreparedRequest, exchange: Exchange) -> None:
        # Not super().__init__(): it builds a cookie jar and a header dictionary.
        self.request = request
        self.exchange = exchange
        self.url = request.url or ""
        self.status_code = exchange.status or 0
        self.raw = None
        self.history = []
        self._content = exchange.body
        self._content_consumed = True
        self._next = None

    @property
    def is_redirect(self) -> bool:
        """Always False, so that no Session follows: redirects are never followed."""
        return False

    def __getattr__(self, name: str) -> Any:
        match name:
            case "headers":
                value: Any = parse_headers(self.exchange.head)
            case "cookies":
                value = RequestsCookieJar()
            case "encoding":
                value = get_encoding_from_headers(self.headers)
            case "reason":
                value = self.exchange.head.partition(b"\r\n")[0].decode("latin-1").partition(" ")[2][4:]
            case "elapsed":
                value = timedelta(milliseconds=self.exchange.timings.total_ms or 0)
            case _:
                raise AttributeError(name)
        setattr(self, name, value)
        return value


def parse_headers(head: bytes) -> CaseInsensitiveDict[str]:
    """The headers of a raw head; repeated ones are joined by a comma, as RFC 9110 5.3 permits."""
    values: CaseInsensitiveDict[list[str]] = CaseInsensitiveDict()
    for line in head.splitlines()[1:]:
        name, colon, value = line.decode("latin-1").partition(":")
        if colon:
            values.setdefault(name, []).append(value.strip())
    return CaseInsensitiveDict((name, ", ".join(texts)) for name, texts in values.items())


class TransportError(RequestException):
    """No complete answer came; `failure_code` says which way, `exchange` holds what did come."""

    def __init__(
        self,
        detail: str,
        *,
        failure_code: FailureCode,
        exchange: Exchange,
        request: requests.PreparedRequest | None = None,
    ) -> None:
        super().__init__(detail, request=request)
        self.detail = detail
        self.failure_code = failure_code
        self.exchange = exchange


class ConnectTimedOut(TransportError, ConnectTimeout):
    """The deadline passed before the request was sent."""


class AnswerTimedOut(TransportError, ReadTimeout):
    """The deadline passed after the request was sent."""


class TlsRefused(TransportError, SSLError):
    """The certificate or the TLS version is not acceptable."""


class UrlNotSent(TransportError, InvalidURL):
    """The URL breaks the rules; nothing was sent."""


class ConnectionFailed(TransportError, RequestsConnectionError):
    """Whatever else kept the answer from being complete."""


_ERROR_TYPES: dict[FailureCode, type[TransportError]] = {
    FailureCode.TIMEOUT_DNS: ConnectTimedOut,
    FailureCode.TIMEOUT_CONNECT: ConnectTimedOut,
    FailureCode.TIMEOUT_TLS: ConnectTimedOut,
    FailureCode.TIMEOUT_TOTAL: AnswerTimedOut,
    FailureCode.TLS_EXPIRED: TlsRefused,
    FailureCode.TLS_HOSTNAME: TlsRefused,
    FailureCode.TLS_UNTRUSTED: TlsRefused,
    FailureCode.TLS_PROTOCOL: TlsRefused,
    FailureCode.INVALID_URL: UrlNotSent,
}


def transport_error(
    code: FailureCode, detail: str, *, exchange: Exchange, request: requests.PreparedRequest | None
) -> TransportError:
    """The exception of this failure, of the type that `requests` uses for its like."""
    kind = _ERROR_TYPES.get(code, ConnectionFailed)
    return kind(detail, failure_code=code, exchange=exchange, request=request)
