"""libcurl's multi handle on a selector: many transfers, one thread, no limit of 1,024 descriptors."""

import contextlib
import selectors
import socket
import time
from typing import Any

import pycurl

_INTERESTS = {
    pycurl.POLL_IN: selectors.EVENT_READ,
    pycurl.POLL_OUT: selectors.EVENT_WRITE,
    pycurl.POLL_INOUT: selectors.EVENT_READ | selectors.EVENT_WRITE,
}
_HAPPENINGS = {
    selectors.EVENT_READ: pycurl.CSELECT_IN,
    selectors.EVENT_WRITE: pycurl.CSELECT_OUT,
    selectors.EVENT_READ | selectors.EVENT_WRITE: pycurl.CSELECT_IN | pycurl.CSELECT_OUT,
}

# Those that libcurl closed without using them again stay in the set.
_SPOILT_LIMIT = 4096

Ended = tuple[Any, int, str]  # the easy handle, CURLE_… (0: complete), libcurl's words


class CurlLoop:
    """Drives easy handles to their end. One thread owns it; only `wake` may be called from others.

    Parameters:
        kept_connections: idle connections that are kept for further requests.
        connections_per_host: at once, 0 for as many as there are transfers. Transfers above it wait, and
            their deadline runs meanwhile.

    Attributes:
        spoilt: local address and port of kept connections on which something came while they rested: their end,
            or bytes that nobody asked for. libcurl looks for that once a second at most, and would send a
            request there or take those bytes for its answer.
    """

    def __init__(self, *, kept_connections: int, connections_per_host: int = 0) -> None:
        self.spoilt: set[tuple[str, int]] = set()
        self._selector = selectors.DefaultSelector()
        self._watched: dict[int, int] = {}  # descriptor → events that the selector knows of; 0: perhaps none
        self._resting: set[int] = set()  # of these, what libcurl asks nothing of at the moment
        self._timer: float | None = None
        self._woken = False
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._wake_reader.setblocking(False)
        self._wake_writer.setblocking(False)
        self._selector.register(self._wake_reader, selectors.EVENT_READ)
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, kept_connections)
        self._multi.setopt(pycurl.M_MAX_HOST_CONNECTIONS, connections_per_host)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_interest)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)

    def add(self, curl: Any) -> None:
        """Begin a transfer; `drive` carries it on."""
        self._multi.add_handle(curl)

    def remove(self, curl: Any) -> None:
        """Take back an ended transfer, or abandon one under way."""
        self._multi.remove_handle(curl)

    def drive(self, timeout: float) -> list[Ended]:
        """Carry all transfers on until some end, `wake` is called, or `timeout` seconds have passed."""
        limit = time.monotonic() + timeout
        while True:
            timeout = 0.0 if self._woken else limit - time.monotonic()
            if self._timer is not None:
                timeout = min(timeout, self._timer - time.monotonic())
            for key, events in self._selector.select(max(0.0, timeout)):
                descriptor = key.fd
                if descriptor in self._resting:
                    self._spoil(descriptor)
                elif key.fileobj is self._wake_reader:
                    self._drain_wakes()
                else:
                    self._multi.socket_action(descriptor, _HAPPENINGS[events])
            # Behind the look at kept connections, since this is where transfers begin and take one.
            self._run_timer()
            ended = self._ended()
            if ended or self._woken or time.monotonic() >= limit:
                self._woken = False
                return ended

    def wake(self) -> None:
        """Make `drive` return, the current call or the next. From any thread; many calls wake once."""
        if self._woken:
            return
        self._woken = True
        # A full buffer means that a wake is under way already; a closed one, that nobody is left to wake.
        with contextlib.suppress(OSError):
            self._wake_writer.send(b"\0")

    def close(self) -> None:
        """Close the connections. Every transfer must have been removed before."""
        self._multi.close()
        self._selector.close()
        self._wake_reader.close()
        self._wake_writer.close()

    def socket_opened(self) -> None:
        """Must be told of every new socket, from within `drive`: it may have the number of one that was closed.

        Between two requests a connection stays registered, which saves three system calls a request. The kernel
        forgets a descriptor that is closed; libcurl does not tell of that.
        """
        for descriptor in self._resting:
            self._watched[descriptor] = 0

    def _on_interest(self, what: int, descriptor: int, _multi: Any, _data: Any) -> None:
        if what == pycurl.POLL_REMOVE:
            self._rest(descriptor)
            return
        events = _INTERESTS[what]
        self._resting.discard(descriptor)
        known = self._watched.get(descriptor)
        if known == events:
            return
        if known is not None:
            try:
                self._selector.modify(descriptor, events)
                self._watched[descriptor] = events
                return
            except OSError:  # the kernel forgot it, and so did the selector
                self._forget(descriptor)
        self._selector.register(descriptor, events)
        self._watched[descriptor] = events

    def _rest(self, descriptor: int) -> None:
        """What is kept is watched for its end; what is closed after this, the kernel forgets."""
        known = self._watched.get(descriptor)
        if known and known != selectors.EVENT_READ:
            try:
                self._selector.modify(descriptor, selectors.EVENT_READ)
            except OSError:
                known = None
        if known:
            self._watched[descriptor] = selectors.EVENT_READ
            self._resting.add(descriptor)
        else:
            self._forget(descriptor)

    def _spoil(self, descriptor: int) -> None:
        if len(self.spoilt) >= _SPOILT_LIMIT:
            self.spoilt.clear()
        with contextlib.suppress(OSError):
            connection = socket.socket(fileno=descriptor)
            try:
                self.spoilt.add(connection.getsockname()[:2])
            finally:
                connection.detach()
        self._forget(descriptor)

    def _forget(self, descriptor: int) -> None:
        self._resting.discard(descriptor)
        self._watched.pop(descriptor, None)
        with contextlib.suppress(KeyError, OSError):
            self._selector.unregister(descriptor)

    def _on_timer(self, milliseconds: int) -> None:
        # libcurl must not be entered again from within this call, even where the time is zero.
        self._timer = None if milliseconds < 0 else time.monotonic() + milliseconds / 1000

    def _run_timer(self) -> None:
        if self._timer is not None and self._timer <= time.monotonic():
            self._timer = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)

    def _ended(self) -> list[Ended]:
        ended: list[Ended] = []
        left = 1
        while left:
            left, complete, failed = self._multi.info_read()
            ended += [(curl, 0, "") for curl in complete]
            ended += failed
        return ended

    def _drain_wakes(self) -> None:
        self._woken = True
        with contextlib.suppress(BlockingIOError):
            while self._wake_reader.recv(4096):
                pass
