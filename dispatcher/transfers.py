"""One libcurl easy handle of the pool: every guard set once, and what it hears of the exchange under way."""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import certifi
import pycurl
import requests

from dispatcher.addresses import AddressPolicy, words_for_owner
from dispatcher.answer_heads import final_head
from dispatcher.curl_failures import Circumstances, failure_code_of
from dispatcher.exchanges import (
    CurlResponse,
    Exchange,
    ReadyRequest,
    Timings,
    TransportError,
    transport_error,
)
from dispatcher.failures import FailureCode

# What libcurl, or the adapter, decides. Its Content-Length is counted from the body it sends.
_OWN_HEADERS = frozenset({"accept-encoding", "connection", "content-length", "expect", "transfer-encoding"})
_FIXED_HEADERS = ["Accept-Encoding: identity", "Expect:"]
_ABORT = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """The limits of every exchange; durations in seconds, sizes in bytes."""

    address_policy: AddressPolicy
    total_timeout: float
    connect_timeout: float
    max_header_bytes: int
    max_body_bytes: int
    keep_body_bytes: int
    ca_bundle: str | None
    max_idle: float  # a kept-alive connection is not used again after this
    max_age: float  # nor after this, so that a name's new addresses are seen


class _HandedOver(socket.socket):
    """A socket for libcurl: pycurl duplicates its descriptor and drops it, which must close it without a warning."""

    def __del__(self) -> None:
        self.close()


class Transfer:
    """A pooled easy handle. `begin`, hand `curl` to the multi handle, then `finish` with its verdict.

    Parameters:
        socket_opened: called whenever it was.
        spoilt: local address and port of kept connections that must not be used again.

    Attributes:
        unsent: it ended before anything was sent, because its connection was spoilt: `begin_afresh`.
    """

    __slots__ = (
        "_body", "_body_size", "_fresh", "_guards", "_headers", "_method", "_opened", "_peer_ip",
        "_prereqs", "_refusal", "_socket_error", "_socket_opened", "_spoilt", "_timeouts", "_verdict", "curl",
        "request", "token", "unsent", "url",
    )  # fmt: skip

    def __init__(
        self, guards: Guards, *, socket_opened: Callable[[], None], spoilt: set[tuple[str, int]]
    ) -> None:
        self.curl = pycurl.Curl()
        self._socket_opened = socket_opened
        self._spoilt = spoilt
        self.token: object = None
        self.url = ""
        self._guards = guards
        self._method = ""
        self._headers = bytearray()  # every header line of the exchange, informational ones and trailers too
        self._fresh = False
        self._timeouts = (guards.total_timeout, guards.connect_timeout)
        self.request: requests.PreparedRequest | None
        self._forget()
        self._set_guards()

    def begin(
        self,
        token: object,
        request: requests.PreparedRequest,
        *,
        url: str,
        fresh: bool,
        timeouts: tuple[float, float],
    ) -> None:
        """Make the handle ready for this request.

        Parameters:
            url: where it goes, in normal form.
            fresh: use no kept-alive connection.
            timeouts: the total and the connect deadline.

        Raises:
            ValueError: a header contains a line break or NUL, or the body is not bytes or str.
            pycurl.error: libcurl cannot take the URL.
        """
        self.token, self.request = token, request
        curl = self.curl
        if url != self.url:
            self.url = url
            curl.setopt(pycurl.URL, url)
        curl.setopt(pycurl.HTTPHEADER, _header_lines(request))
        self._set_method(request.method or "GET", request.body)
        if fresh is not self._fresh:
            curl.setopt(pycurl.FRESH_CONNECT, fresh)
            self._fresh = fresh
        if timeouts != self._timeouts:
            self._timeouts = timeouts
            self._set_timeouts()

    def begin_afresh(self) -> None:
        """The same request again, on a new connection; its deadline starts anew."""
        token, request = self.token, self.request
        self._forget()
        self.token, self.request = token, request
        self.curl.setopt(pycurl.FRESH_CONNECT, True)
        self._fresh = True

    def finish(self, error: int, text: str) -> CurlResponse | TransportError:
        """What the exchange came to.

        Parameters:
            error: libcurl's verdict, CURLE_…; 0 is a complete answer.
            text: its words.
        """
        request = self.request
        if request is None:
            raise RuntimeError("finish() without begin()")
        exchange = self._exchange()
        if self._verdict is not None:
            code, detail = self._verdict
            return transport_error(code, detail, exchange=exchange, request=request)
        truncated_by_us = error == pycurl.E_WRITE_ERROR and exchange.truncated
        if error and not truncated_by_us:
            code, detail = self._failure(error, text)
            return transport_error(code, detail, exchange=exchange, request=request)
        if exchange.status is None:
            # To libcurl an end amid the headers is the end of an answer.
            detail = "the connection was closed before the answer's head was complete"
            return transport_error(FailureCode.CONNECTION_RESET, detail, exchange=exchange, request=request)
        return CurlResponse(request, exchange)

    def rest(self) -> None:
        """Let go of the request and its answer; the handle waits in the pool for the next."""
        self._forget()

    def close(self) -> None:
        """Free the handle, which must have left the multi handle, and break its cycle with this object."""
        self.curl.close()

    def _forget(self) -> None:
        self.token = None
        self.request = None
        self.unsent = False
        self._headers.clear()
        self._body: list[bytes] = []
        self._body_size = 0
        self._prereqs = 0
        self._opened = 0
        self._peer_ip: str | None = None
        self._refusal: str | None = None
        self._socket_error: str | None = None
        self._verdict: tuple[FailureCode, str] | None = None

    def _set_guards(self) -> None:
        guards, curl = self._guards, self.curl
        curl.setopt(pycurl.NOSIGNAL, 1)
        self._set_timeouts()
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        curl.setopt(pycurl.HTTP09_ALLOWED, 0)
        curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        curl.setopt(pycurl.REDIR_PROTOCOLS, 0)
        curl.setopt(pycurl.FOLLOWLOCATION, 0)
        # An empty proxy keeps libcurl from reading http_proxy and its kin.
        curl.setopt(pycurl.PROXY, "")
        curl.setopt(pycurl.NOPROXY, "*")
        curl.setopt(pycurl.NETRC, pycurl.NETRC_IGNORED)
        curl.setopt(pycurl.HTTP_CONTENT_DECODING, 0)
        curl.setopt(pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_2)
        curl.setopt(pycurl.SSL_VERIFYPEER, 1)
        curl.setopt(pycurl.SSL_VERIFYHOST, 2)
        curl.setopt(pycurl.CAINFO, guards.ca_bundle or certifi.where())
        curl.setopt(pycurl.MAXAGE_CONN, int(guards.max_idle))
        curl.setopt(pycurl.MAXLIFETIME_CONN, int(guards.max_age))
        curl.setopt(pycurl.OPENSOCKETFUNCTION, self._on_open_socket)
        curl.setopt(pycurl.PREREQFUNCTION, self._on_request)
        # Collected without a line of Python for each; libcurl itself ends an answer with 300 KiB of them.
        curl.setopt(pycurl.HEADERFUNCTION, self._headers.extend)
        curl.setopt(pycurl.WRITEFUNCTION, self._on_body)

    def _set_timeouts(self) -> None:
        total, connect = self._timeouts
        # Zero would mean "none" to libcurl.
        self.curl.setopt(pycurl.TIMEOUT_MS, max(1, int(total * 1000)))
        self.curl.setopt(pycurl.CONNECTTIMEOUT_MS, max(1, int(connect * 1000)))

    def _set_method(self, method: str, body: Any) -> None:
        if body is not None and not isinstance(body, bytes | str):
            raise ValueError("the body must be bytes or str: a stream cannot be sent again")
        curl = self.curl
        if method != self._method:
            self._method = method
            curl.setopt(pycurl.HTTPGET, 1)
            curl.unsetopt(pycurl.CUSTOMREQUEST)
            if method == "HEAD":
                curl.setopt(pycurl.NOBODY, 1)
            elif method not in ("GET", "POST"):
                curl.setopt(pycurl.CUSTOMREQUEST, method)
        if method == "POST" or (body and method not in ("GET", "HEAD")):
            curl.setopt(pycurl.POSTFIELDS, body or b"")

    def _on_open_socket(self, _purpose: int, address: Any) -> Any:
        """The one place where a connection to a merchant can begin."""
        if self._prereqs:
            # libcurl lost a kept-alive connection after the request went out, and would send it again
            # by itself: a request that nobody recorded.
            self._verdict = _STALE
            return pycurl.SOCKET_BAD
        family, kind, protocol, where = address
        refusal = self._guards.address_policy.refusal(where[0])
        if refusal is not None:
            self._refusal = refusal
            return pycurl.SOCKET_BAD
        try:
            opened = _HandedOver(family, kind, protocol)
        except OSError as error:
            self._socket_error = error.strerror
            return pycurl.SOCKET_BAD
        self._opened += 1
        self._socket_opened()
        return opened

    def _on_request(self, peer_ip: str, local_ip: str, _peer_port: int, local_port: int) -> int:
        """Right before the request is sent, on a new connection or a kept-alive one."""
        if self._spoilt and (local_ip, local_port) in self._spoilt:
            self._spoilt.discard((local_ip, local_port))
            if not self._opened and not self._prereqs:  # else a new one that got the port of one that is gone
                self.unsent = True
                return int(pycurl.PREREQFUNC_ABORT)
        self._prereqs += 1
        if self._prereqs > 1:  # sent again on another kept-alive connection; see above
            self._verdict = _STALE
            return int(pycurl.PREREQFUNC_ABORT)
        self._peer_ip = peer_ip
        refusal = self._guards.address_policy.refusal(peer_ip)
        if refusal is not None:
            self._verdict = self._blocked(refusal)
            return int(pycurl.PREREQFUNC_ABORT)
        return int(pycurl.PREREQFUNC_OK)

    def _on_body(self, chunk: bytes) -> int | None:
        room = self._guards.keep_body_bytes - self._body_size
        self._body_size += len(chunk)
        if room > 0:
            self._body.append(chunk[:room])
        return None if self._body_size <= self._guards.max_body_bytes else _ABORT

    def _exchange(self) -> Exchange:
        """What came, with a verdict where it is no answer that we accept."""
        getinfo = self.curl.getinfo
        head = final_head(bytes(self._headers))
        if self._verdict is None:
            if len(self._headers) > self._guards.max_header_bytes:
                limit = self._guards.max_header_bytes
                self._verdict = (FailureCode.TOO_LARGE, f"the answer's headers exceed {limit} bytes")
            elif head.problem is not None:
                self._verdict = (FailureCode.PROTOCOL_ERROR, head.problem)
        status = getinfo(pycurl.RESPONSE_CODE)
        return Exchange(
            status if status >= 200 and head.complete else None,
            self._peer_ip or (getinfo(pycurl.PRIMARY_IP) or None if self._opened else None),
            self._timings(),
            head.text,
            b"".join(self._body),
            self._body_size > self._guards.keep_body_bytes,
        )

    def _timings(self) -> Timings:
        getinfo = self.curl.getinfo
        first_byte = getinfo(pycurl.STARTTRANSFER_TIME_T)
        ready = getinfo(pycurl.PRETRANSFER_TIME_T)
        total = getinfo(pycurl.TOTAL_TIME_T) / 1000
        first_byte_ms = (first_byte - ready) / 1000 if self._headers and first_byte >= ready > 0 else None
        if not self._opened:
            return Timings(None, None, None, first_byte_ms, total)
        resolved, connected = getinfo(pycurl.NAMELOOKUP_TIME_T), getinfo(pycurl.CONNECT_TIME_T)
        tls = getinfo(pycurl.APPCONNECT_TIME_T)
        return Timings(
            dns_ms=resolved / 1000 if resolved else None,
            connect_ms=(connected - resolved) / 1000 if connected else None,
            tls_ms=(tls - connected) / 1000 if tls else None,
            first_byte_ms=first_byte_ms,
            total_ms=total,
        )

    def _failure(self, error: int, text: str) -> tuple[FailureCode, str]:
        # Where one address of several could be tried, what came of that is the failure.
        if not self._opened and self._refusal is not None:
            return self._blocked(self._refusal)
        if not self._opened and self._socket_error is not None:
            return FailureCode.INTERNAL_ERROR, f"no socket could be opened: {self._socket_error}"
        getinfo = self.curl.getinfo
        facts = Circumstances(
            error=error,
            text=text,
            sent=self._prereqs > 0,
            https=self.url[:6].lower() == "https:",
            resolved=self._opened > 0 or getinfo(pycurl.NAMELOOKUP_TIME_T) > 0,
            connected=getinfo(pycurl.CONNECT_TIME_T) > 0,
            tls_agreed=getinfo(pycurl.APPCONNECT_TIME_T) > 0,
            os_errno=getinfo(pycurl.OS_ERRNO),
            verify_result=getinfo(pycurl.SSL_VERIFYRESULT),
        )
        return failure_code_of(facts), text or self.curl.errstr() or f"libcurl error {error}"

    def _blocked(self, refusal: str) -> tuple[FailureCode, str]:
        return FailureCode.BLOCKED_ADDRESS, words_for_owner(urlsplit(self.url).hostname or "", refusal)


_STALE = (FailureCode.STALE_CONNECTION, "the kept-alive connection was closed as the request was sent")


def _header_lines(request: requests.PreparedRequest) -> Sequence[str]:
    if isinstance(request, ReadyRequest):
        return [*request.header_lines, *_FIXED_HEADERS]
    lines = [
        # libcurl drops "Name:" and sends "Name;" as a header without a value.
        f"{name}: {value}" if value else f"{name};"
        for name, value in _text_items(request.headers)
        if name.lower() not in _OWN_HEADERS
    ]
    joined = "\n".join(lines)
    if joined.count("\n") >= max(1, len(lines)) or "\r" in joined or "\0" in joined:
        raise ValueError("a header contains a line break or a NUL")
    return lines + _FIXED_HEADERS


def _text_items(headers: Any) -> Any:
    """Header items as text; requests lets both halves be bytes."""
    return (
        (
            name if isinstance(name, str) else name.decode("latin-1"),
            value if isinstance(value, str) else value.decode("latin-1"),
        )
        for name, value in (headers.items() if headers else ())
    )
