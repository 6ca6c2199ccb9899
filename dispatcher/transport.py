"""The transport to merchants: an adapter of `requests` on libcurl's multi handle.

A `PreparedRequest` goes in, a `Response` or a `requests.exceptions` value comes out. Hundreds of exchanges
run in one thread; each ends at its deadline whatever the endpoint does.
"""

import threading
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, cast
from urllib.parse import urlsplit

import pycurl
import requests
from requests import PreparedRequest
from requests.adapters import BaseAdapter

from dispatcher.addresses import AddressPolicy
from dispatcher.curl_loop import CurlLoop
from dispatcher.exchanges import Exchange, TransportError, transport_error
from dispatcher.failures import FailureCode
from dispatcher.outcomes import RESPONSE_LIMIT
from dispatcher.transfers import Guards, Transfer
from dispatcher.urls import UrlRefused, UrlRules, check_url

Result = requests.Response | requests.exceptions.RequestException
Finished = tuple[object, Result]
Timeout = float | tuple[float, float] | tuple[float, None] | None

# Servers commonly end idle connections after 60 or 75 s. libcurl notices those that did; what is younger than
# this is rarely being closed at the very moment it is used again.
_MAX_IDLE_S = 50.0
_MAX_AGE_S = 600.0
# After a stale connection, others to that origin are likely stale too.
_DISTRUST_S = 10.0
_DISTRUSTED_ORIGINS_LIMIT = 4096
# Every exchange ends at its deadline, so a wait for the next end needs none of its own.
_FOREVER_S = 3600.0


class CurlAdapter(BaseAdapter):
    """Sends requests through libcurl, each within its deadline and only to permitted addresses.

    It is used in one of two ways. The dispatcher's send thread drives it with `start` and `wait`. Anyone else
    mounts it on a `requests.Session` (or calls `send`, `send_many`): those calls may come from any thread and
    take turns.

    What a Session says about redirects, proxies, certificates and verification is ignored: no caller can
    weaken the guards.

    Parameters:
        address_policy: judges each address right before a socket is opened, and each kept-alive connection
            before it is used again.
        url_rules: applied to every URL before anything else; without them any http or https URL is tried.
        total_timeout: seconds from start to complete answer, name resolution included.
        connect_timeout: seconds for name resolution, TCP and TLS together.
        slots: exchanges at once.
        max_header_bytes: an answer with more header bytes, informational heads included, is `too_large`.
        max_body_bytes: of a body beyond this the connection is dropped; its status counts all the same.
        keep_response_bytes: how much of the body is kept.
        ca_bundle: a file of trusted certificates instead of certifi's.
        max_connections_per_host: 0 for no limit but `slots`.
    """

    def __init__(
        self,
        *,
        address_policy: AddressPolicy,
        url_rules: UrlRules | None = None,
        total_timeout: float = 15.0,
        connect_timeout: float = 5.0,
        slots: int = 256,
        max_header_bytes: int = 64 * 1024,
        max_body_bytes: int = 64 * 1024,
        keep_response_bytes: int = RESPONSE_LIMIT,
        ca_bundle: str | None = None,
        max_connections_per_host: int = 0,
    ) -> None:
        super().__init__()
        if slots < 1 or total_timeout <= 0 or connect_timeout <= 0:
            raise ValueError("slots and timeouts must be positive")
        self._guards = Guards(
            address_policy=address_policy,
            total_timeout=total_timeout,
            connect_timeout=connect_timeout,
            max_header_bytes=max_header_bytes,
            max_body_bytes=max_body_bytes,
            keep_body_bytes=keep_response_bytes,
            ca_bundle=ca_bundle,
            max_idle=_MAX_IDLE_S,
            max_age=_MAX_AGE_S,
        )
        self._url_rules = url_rules
        # The same few endpoints again and again; their rules are judged once.
        self._normal_url = lru_cache(maxsize=4096)(self._judged_url)
        self._slots = slots
        self._loop = CurlLoop(kept_connections=slots, connections_per_host=max_connections_per_host)
        self._idle: list[Transfer] = []
        self._active: dict[Any, Transfer] = {}
        self._unsent: deque[Finished] = deque()
        self._distrusted: dict[str, float] = {}
        self._turn = threading.Lock()
        self._closed = False

    @property
    def in_flight(self) -> int:
        """Requests that were started and that `wait` has not handed back yet."""
        return len(self._active) + len(self._unsent)

    @property
    def free_slots(self) -> int:
        """How many more requests may be started now."""
        return self._slots - self.in_flight

    def start(self, token: object, request: PreparedRequest, *, timeout: Timeout = None) -> None:
        """Begin an exchange; `wait` returns `token` with its result. Nothing is sent before `wait` runs.

        Parameters:
            request: method, url, headers and body are read; it need not have been made by `prepare()`.
            timeout: seconds, or (connect, total); it can only shorten the adapter's deadlines.

        Raises:
            RuntimeError: no slot is free, or the adapter is closed. A faulty request is a result, no error.
        """
        if self._closed:
            raise RuntimeError("the adapter is closed")
        if self.free_slots <= 0:
            raise RuntimeError(f"all {self._slots} slots are in use")
        transfer = (
            self._idle.pop()
            if self._idle
            else Transfer(self._guards, socket_opened=self._loop.socket_opened, spoilt=self._loop.spoilt)
        )
        try:
            url = self._normal_url(request.url or "")
            fresh = bool(self._distrusted) and self._is_distrusted(url)
            transfer.begin(token, request, url=url, fresh=fresh, timeouts=self._deadlines(timeout))
            self._loop.add(transfer.curl)
        except (UrlRefused, ValueError, pycurl.error) as error:
            transfer.rest()
            self._idle.append(transfer)
            self._unsent.append((token, _unsent_error(error, request)))
        else:
            self._active[transfer.curl] = transfer

    def wait(self, timeout: float) -> list[Finished]:
        """Carry all exchanges on until some end, `wake` is called, or `timeout` seconds have passed."""
        ended = self._loop.drive(0.0 if self._unsent else timeout)
        finished = []
        for curl, error, text in ended:
            if self._active[curl].unsent:
                self._loop.remove(curl)
                self._active[curl].begin_afresh()
                self._loop.add(curl)
            else:
                finished.append(self._finish(curl, error, text))
        while self._unsent:
            finished.append(self._unsent.popleft())
        return finished

    def wake(self) -> None:
        """Make `wait` return, the current call or the next. From any thread; many calls wake once."""
        self._loop.wake()

    def send_many(
        self, requests: Iterable[PreparedRequest]
    ) -> Generator[tuple[PreparedRequest, Result], None, None]:
        """Send a stream, a slot refilled the moment it frees; results come as they end, in no order.

        Leaving the iteration early abandons what is in flight.
        """
        waiting = iter(requests)
        with self._turn:
            try:
                while self._refill(waiting):
                    for token, result in self.wait(_FOREVER_S):
                        yield cast("PreparedRequest", token), result
            finally:
                self._abandon()

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: Timeout = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send one request and wait for its answer.

        Raises:
            requests.exceptions.RequestException: see dispatcher.exchanges; each carries a `failure_code`.
        """
        with self._turn:
            self.start(request, request, timeout=timeout)
            finished: list[Finished] = []
            while not finished:
                finished = self.wait(_FOREVER_S)
        result = finished[0][1]
        if isinstance(result, BaseException):
            raise result
        return result

    def close(self) -> None:
        """Abandon what is in flight and close every connection; idempotent.

        May wait for name resolutions under way, which libcurl cannot interrupt.
        """
        if self._closed:
            return
        self._closed = True
        self._abandon()
        self._loop.close()
        for transfer in self._idle:
            transfer.close()
        self._idle.clear()

    def _refill(self, waiting: Iterator[PreparedRequest]) -> int:
        """Start as many requests as there are slots for; how many are in flight then."""
        for request in islice(waiting, self.free_slots):
            self.start(request, request)
        return self.in_flight

    def _finish(self, curl: Any, error: int, text: str) -> Finished:
        transfer = self._active.pop(curl)
        token = transfer.token
        try:
            result = transfer.finish(error, text)
        except (
            pycurl.error
        ) as fault:  # libcurl cannot even say what happened: it must not end the send thread
            detail = f"libcurl: {fault.args[-1]}"
            result = transport_error(
                FailureCode.INTERNAL_ERROR, detail, exchange=Exchange(), request=transfer.request
            )
        self._loop.remove(curl)
        if isinstance(result, TransportError) and result.failure_code is FailureCode.STALE_CONNECTION:
            self._distrust(transfer.url)
        transfer.rest()
        self._idle.append(transfer)
        return token, result

    def _abandon(self) -> None:
        for transfer in self._active.values():
            self._loop.remove(transfer.curl)
            transfer.rest()
            self._idle.append(transfer)
        self._active.clear()
        self._unsent.clear()

    def _judged_url(self, url: str) -> str:
        return url if self._url_rules is None else check_url(url, self._url_rules).text

    def _deadlines(self, timeout: Timeout) -> tuple[float, float]:
        total, connect = self._guards.total_timeout, self._guards.connect_timeout
        match timeout:
            case None:
                pass
            case (first, second):
                connect = min(connect, first)
                total = total if second is None else min(total, second)
            case _:
                total, connect = min(total, timeout), min(connect, timeout)
        return total, connect

    def _is_distrusted(self, url: str) -> bool:
        until = self._distrusted.get(_origin(url))
        return until is not None and time.monotonic() < until

    def _distrust(self, url: str) -> None:
        now = time.monotonic()
        self._distrusted = {origin: until for origin, until in self._distrusted.items() if until > now}
        if len(self._distrusted) < _DISTRUSTED_ORIGINS_LIMIT:
            self._distrusted[_origin(url)] = now + _DISTRUST_S


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _unsent_error(error: Exception, request: PreparedRequest) -> TransportError:
    """A request that could not even be begun: its URL, or a defect of ours."""
    match error:
        case UrlRefused():
            code, detail = error.code, error.reason
        case pycurl.error():
            code, detail = FailureCode.INVALID_URL, str(error.args[-1])
        case UnicodeError():
            code, detail = FailureCode.INVALID_URL, "the URL or a header is not ASCII"
        case _:
            code, detail = FailureCode.INTERNAL_ERROR, str(error)
    return transport_error(code, detail, exchange=Exchange(), request=request)
