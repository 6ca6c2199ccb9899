"""What an attempt came to: one plain value that is recorded and decided upon."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import urlsplit

import requests
from requests.exceptions import (
    ConnectTimeout,
    InvalidSchema,
    InvalidURL,
    MissingSchema,
    RequestException,
    SSLError,
    Timeout,
)

from dispatcher.exchanges import CurlResponse, Exchange, Timings, TransportError
from dispatcher.failures import EXPLANATIONS, Explanation, FailureCode

__all__ = ["EXPLANATIONS", "RESPONSE_LIMIT", "Explanation", "FailureCode", "Outcome", "Timings", "outcome_of"]

RESPONSE_LIMIT = 16 * 1024  # bytes of head and body kept with an attempt
_DETAIL_LIMIT = 300  # characters
_LOCATION_LIMIT = 2048  # characters
_RETRY_AFTER_STATUSES = frozenset({429, 503})


class Outcome(NamedTuple):
    """The outcome of one attempt."""

    succeeded: bool
    failure_code: FailureCode | None = None
    status: int | None = None
    peer_ip: str | None = None
    timings: Timings = Timings()
    response: bytes = b""  # raw head, blank line and body, at most RESPONSE_LIMIT
    truncated: bool = False  # there was more than `response` holds
    retry_after: timedelta | None = None  # what a 429 or 503 asked for; None also where it is garbage
    location: str | None = None  # where a refused redirect pointed
    detail: str = ""  # one sentence; no secret, no query string; empty after a success


def outcome_of(result: requests.Response | RequestException) -> Outcome:
    """The outcome of whatever a transport handed back. Total: it never raises."""
    if isinstance(result, CurlResponse):
        return _of_exchange(result.exchange)
    if isinstance(result, TransportError):
        return _of_exchange(result.exchange, failure_code=result.failure_code, detail=result.detail)
    if isinstance(result, requests.Response):
        return _of_exchange(_exchange_of_foreign(result))
    code = _code_of_foreign(result)
    return Outcome(succeeded=False, failure_code=code, detail=EXPLANATIONS[code].summary)


def _of_exchange(exchange: Exchange, *, failure_code: FailureCode | None = None, detail: str = "") -> Outcome:
    status = exchange.status
    size = len(exchange.head) + len(exchange.body)
    response = exchange.head + exchange.body
    truncated = exchange.truncated
    if size > RESPONSE_LIMIT:
        response, truncated = response[:RESPONSE_LIMIT], True
    if failure_code is None and status is not None and 200 <= status < 300:
        return Outcome(True, None, status, exchange.peer_ip, exchange.timings, response, truncated)
    if failure_code is None:
        failure_code = _code_of_status(status)
        detail = f"The endpoint answered {status}."
    retry_after = location = None
    if status in _RETRY_AFTER_STATUSES:
        retry_after = _retry_after(exchange.head)
    elif failure_code is FailureCode.REDIRECT_REFUSED:
        location = _header(exchange.head, b"location")
        if location:
            location = location[:_LOCATION_LIMIT]
            detail = (
                f"The endpoint answered {status}, a redirect to {_without_query(location)}; not followed."
            )
    return Outcome(
        succeeded=False,
        failure_code=failure_code,
        status=status,
        peer_ip=exchange.peer_ip,
        timings=exchange.timings,
        response=response,
        truncated=truncated,
        retry_after=retry_after,
        location=location,
        detail=_sentence(detail),
    )


def _code_of_status(status: int | None) -> FailureCode:
    match status:
        case 410:
            return FailureCode.HTTP_410_GONE
        case 429:
            return FailureCode.HTTP_429
        case int() if 300 <= status < 400:
            return FailureCode.REDIRECT_REFUSED
        case int() if 400 <= status < 500:
            return FailureCode.HTTP_4XX
        case int() if 500 <= status < 600:
            return FailureCode.HTTP_5XX
        case _:
            return FailureCode.PROTOCOL_ERROR


def _header(head: bytes, name: bytes) -> str | None:
    """The first value of a header, without parsing the others. `name` is in lower case."""
    match = re.search(rb"(?im)^" + re.escape(name) + rb":[ \t]*([^\r\n]*)", head)
    return match[1].strip().decode("latin-1") if match else None


def _retry_after(head: bytes) -> timedelta | None:
    """Seconds, or an HTTP date seen from the answer's own Date: its clock and ours need not agree."""
    text = _header(head, b"retry-after")
    if not text:
        return None
    # Ten digits are three centuries; more would not fit a timedelta.
    if text.isascii() and text.isdigit():
        return timedelta(seconds=int(text)) if len(text) <= 10 else None
    moment = _http_date(text)
    if moment is None:
        return None
    now = _http_date(_header(head, b"date") or "") or datetime.now(UTC)
    return max(timedelta(), moment - now)


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _without_query(location: str) -> str:
    try:
        parts = urlsplit(location)
        # User info is a secret as much as a query is.
        return parts._replace(query="", fragment="", netloc=parts.netloc.rpartition("@")[2]).geturl()
    except ValueError:
        return "a malformed URL"


def _sentence(text: str) -> str:
    shown = "".join(character if character.isprintable() else " " for character in text)
    return shown[:_DETAIL_LIMIT]


def _exchange_of_foreign(response: requests.Response) -> Exchange:
    """Of a response that another adapter made; what cannot be read is left out."""
    status = response.status_code if isinstance(response.status_code, int) else None
    reason = response.reason if isinstance(response.reason, str) else ""
    lines = [
        f"HTTP/1.1 {status} {reason}",
        *(f"{name}: {value}" for name, value in response.headers.items()),
        "",
        "",
    ]
    try:
        body = response.content or b""
    except (RequestException, RuntimeError):
        body = b""
    return Exchange(
        status=status,
        timings=Timings(total_ms=response.elapsed.total_seconds() * 1000),
        head="\r\n".join(lines).encode("latin-1", "replace"),
        body=body[:RESPONSE_LIMIT],
        truncated=len(body) > RESPONSE_LIMIT,
    )


def _code_of_foreign(error: RequestException) -> FailureCode:
    match error:
        case ConnectTimeout():
            return FailureCode.TIMEOUT_CONNECT
        case Timeout():
            return FailureCode.TIMEOUT_TOTAL
        case SSLError():
            return FailureCode.TLS_UNTRUSTED
        case InvalidURL() | InvalidSchema() | MissingSchema():
            return FailureCode.INVALID_URL
        case requests.exceptions.ConnectionError():
            return FailureCode.CONNECTION_RESET
        case _:
            return FailureCode.INTERNAL_ERROR
