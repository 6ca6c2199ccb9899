"""A relay of our own between the product and a server, whose link stalls, delays, loses and cuts on demand.

    with Proxy("/run/postgresql/.s.PGSQL.5432") as proxy:
        connect("127.0.0.1", proxy.port)
        proxy.stall(Way.ANSWERS)

One thread relays every connection; whoever calls a method waits until it is done there.
"""

import ctypes
import enum
import queue
import selectors
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Self

MOST_HELD = 1 << 18  # bytes of one way that wait here; then its sender waits
_READ_SIZE = 1 << 16
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Way(enum.Enum):
    REQUESTS = "to the server"
    ANSWERS = "to the client"


class Proxy:
    """Listens on a port of 127.0.0.1 while its `with` block runs.

    Args:
        upstream: the path of a Unix socket, or a host and a port.

    Attributes:
        accepted: connections until now; those that were refused do not count.
    """

    def __init__(self, upstream: str | tuple[str, int]) -> None:
        self.accepted = 0
        self._upstream = upstream
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._links: set[_Link] = set()
        self._link = _Condition()
        self._orders: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._waker, self._awake = socket.socketpair()
        self._awake.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, _READ)
        self._selector.register(self._awake, _READ)
        self._thread = threading.Thread(target=self._relay, name="proxy")
        self._ending = False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._end)
        self._thread.join()
        self._selector.close()
        for one in (self._listener, self._waker, self._awake):
            one.close()

    @property
    def open(self) -> int:
        """Connections that stand, as far as their two ends have told."""
        return len(self._links)

    def stall(self, *ways: Way) -> None:
        """Hold every byte, of both ways unless said; connections are still accepted, and seem to live."""
        self._do(lambda: self._link.held.update(ways or Way))

    def delay(self, seconds: float, *ways: Way) -> None:
        """Every byte from now on arrives so much later."""
        self._do(lambda: self._link.delays.update(dict.fromkeys(ways or Way, seconds)))

    def lose(self) -> None:
        """Clients' packets vanish and none comes back, as on a cable that is pulled: TCP itself has to notice."""
        self._do(self._lose)

    def refuse(self) -> None:
        """Reset what is open, and whoever connects."""
        self._do(self._refuse)

    def cut(self) -> None:
        """Reset what is open; who connects again is served."""
        self._do(self._cut)

    def spring_at(self, words: bytes, *ways: Way) -> threading.Event:
        """Stall, both ways unless said, once a client's request holds `words`; that request still arrives.

        Gives what is set when it has happened.
        """
        trap = _Trap(words, ways or tuple(Way))

        def set_trap() -> None:
            self._link.trap = trap

        self._do(set_trap)
        return trap.sprung

    def mend(self) -> None:
        """The link is as new: what was held arrives; what was lost TCP sends again, or finds its peer gone."""
        self._do(self._mend)

    # What follows runs in the proxy's thread.

    def _relay(self) -> None:
        while not self._ending:
            for key, events in self._selector.select(self._patience()):
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj is self._awake:
                    self._take_orders()
                elif (link := key.data) in self._links:
                    self._move(link, key.fileobj, events)
            for link in [link for link in self._links if link.is_due]:
                self._look(link)

    def _patience(self) -> float | None:
        """Seconds until something that is delayed may go on."""
        now = time.monotonic()
        times = [pipe.due - now for pipe in self._pipes() if pipe.waiting and pipe.way not in self._link.held]
        later = [seconds for seconds in times if seconds > 0]
        return min(later, default=None)

    def _pipes(self) -> "Iterator[_Pipe]":
        for link in self._links:
            yield from link.pipes

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except BlockingIOError:
            return
        if self._link.refused:
            _reset(client)
            return
        try:
            server = self._connect()
        except OSError:
            _reset(client)
            return
        for one in (client, server):
            one.setblocking(False)
        if self._link.lost:
            _drop_packets(client)
        self.accepted += 1
        link = _Link((_Pipe(Way.REQUESTS, client, server), _Pipe(Way.ANSWERS, server, client)))
        self._links.add(link)
        self._look(link)

    def _connect(self) -> socket.socket:
        if isinstance(self._upstream, tuple):
            server = socket.create_connection(self._upstream, timeout=5)
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return server
        server = socket.socket(socket.AF_UNIX)
        try:
            server.settimeout(5)
            server.connect(self._upstream)
        except OSError:
            server.close()
            raise
        return server

    def _move(self, link: "_Link", ready: object, events: int) -> None:
        try:
            for pipe in link.pipes:
                if events & _READ and pipe.source is ready:
                    self._read(pipe)
                if events & _WRITE and pipe.sink is ready:
                    pipe.write()
        except OSError:
            self._drop(link)
            return
        if all(pipe.is_done for pipe in link.pipes):
            self._drop(link, gently=True)
        else:
            self._look(link)

    def _read(self, pipe: "_Pipe") -> None:
        if pipe.way in self._link.held:
            return
        pipe.read(delay=self._link.delays[pipe.way])
        trap = self._link.trap
        if (
            trap is not None
            and pipe.way is Way.REQUESTS
            and pipe.waiting
            and trap.words in pipe.waiting[-1][1]
        ):
            pipe.write()  # before its way may be held
            self._link.trap = None
            self._link.held.update(trap.ways)
            for link in self._links:
                self._look(link)
            trap.sprung.set()

    def _look(self, link: "_Link") -> None:
        """Wait for what this connection can do next."""
        for one in (pipe.source for pipe in link.pipes):
            events = 0
            for pipe in link.pipes:
                if pipe.way in self._link.held:
                    continue
                if pipe.source is one and pipe.takes_more:
                    events |= _READ
                if pipe.sink is one and pipe.has_due:
                    events |= _WRITE
            registered = one in self._selector.get_map()
            if registered and events:
                self._selector.modify(one, events, link)
            elif registered:
                self._selector.unregister(one)
            elif events:
                self._selector.register(one, events, link)

    def _drop(self, link: "_Link", *, gently: bool = False) -> None:
        self._links.discard(link)
        for one in (pipe.source for pipe in link.pipes):
            if one in self._selector.get_map():
                self._selector.unregister(one)
            if gently:
                one.close()
            else:
                _reset(one)

    def _lose(self) -> None:
        self._link.lost = True
        self._link.held.update(Way)
        for one in (self._listener, *(link.client for link in self._links)):
            _drop_packets(one)
        self._look_at_all()

    def _refuse(self) -> None:
        self._link.refused = True
        self._cut()

    def _cut(self) -> None:
        for link in [*self._links]:
            self._drop(link)

    def _mend(self) -> None:
        if self._link.lost:
            for one in (self._listener, *(link.client for link in self._links)):
                _take_packets(one)
        self._link = _Condition()
        self._look_at_all()

    def _look_at_all(self) -> None:
        for link in self._links:
            self._look(link)

    def _end(self) -> None:
        self._ending = True
        self._cut()

    def _take_orders(self) -> None:
        self._awake.recv(_READ_SIZE)
        while not self._orders.empty():
            self._orders.get()()
        self._look_at_all()

    def _do(self, order: Callable[[], None]) -> None:
        done = threading.Event()

        def run() -> None:
            order()
            done.set()

        self._orders.put(run)
        self._waker.send(b"!")
        done.wait()


@dataclass(slots=True)
class _Trap:
    words: bytes
    ways: tuple[Way, ...]
    sprung: threading.Event = field(default_factory=threading.Event)


@dataclass(slots=True)
class _Condition:
    """Of the link that all connections share."""

    held: set[Way] = field(default_factory=set)
    delays: dict[Way, float] = field(default_factory=lambda: dict.fromkeys(Way, 0.0))
    lost: bool = False
    refused: bool = False
    trap: _Trap | None = None


@dataclass(slots=True, eq=False)
class _Pipe:
    """One way of one connection."""

    way: Way
    source: socket.socket
    sink: socket.socket
    waiting: deque[tuple[float, bytes]] = field(
        default_factory=deque
    )  # by time.monotonic() when it may go on
    size: int = 0  # bytes that wait
    ended: bool = False  # the source has said its last
    is_done: bool = False  # and the sink was told

    @property
    def due(self) -> float:
        return self.waiting[0][0]

    @property
    def has_due(self) -> bool:
        return bool(self.waiting) and self.due <= time.monotonic()

    @property
    def takes_more(self) -> bool:
        return not self.ended and self.size < MOST_HELD

    def read(self, *, delay: float) -> None:
        try:
            data = self.source.recv(_READ_SIZE)
        except BlockingIOError:
            return
        if data:
            self.waiting.append((time.monotonic() + delay, data))
            self.size += len(data)
        else:
            self.ended = True
        self._pass_on_the_end()

    def write(self) -> None:
        while self.has_due:
            due, data = self.waiting.popleft()
            try:
                sent = self.sink.send(data)
            except BlockingIOError:
                sent = 0
            self.size -= sent
            if sent < len(data):
                self.waiting.appendleft((due, data[sent:]))
                return
        self._pass_on_the_end()

    def _pass_on_the_end(self) -> None:
        if self.ended and not self.waiting and not self.is_done:
            self.is_done = True
            self.sink.shutdown(socket.SHUT_WR)


@dataclass(frozen=True, slots=True, eq=False)
class _Link:
    """One connection: a pipe each way."""

    pipes: tuple[_Pipe, _Pipe]

    @property
    def client(self) -> socket.socket:
        return self.pipes[0].source

    @property
    def is_due(self) -> bool:
        return any(pipe.has_due for pipe in self.pipes)


def _reset(connection: socket.socket) -> None:
    """Close with RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


# Of <linux/filter.h> and <asm-generic/socket.h>, which Python's socket module leaves out.
_ATTACH_FILTER, _DETACH_FILTER = 26, 27
_RETURN_NOTHING = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))


def _drop_packets(one: socket.socket) -> None:
    """The kernel forgets what arrives for this socket before TCP sees it, and so acknowledges nothing."""
    program = struct.pack("HL", 1, ctypes.addressof(_RETURN_NOTHING))
    one.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, program)


def _take_packets(one: socket.socket) -> None:
    one.setsockopt(socket.SOL_SOCKET, _DETACH_FILTER, 0)
    if one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        return
    # A client that gave up meanwhile is found out within seconds, as by a server that keeps connections alive.
    one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL):
        one.setsockopt(socket.IPPROTO_TCP, option, 1)
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
