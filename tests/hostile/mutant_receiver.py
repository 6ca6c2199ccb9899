"""A receiver for many thousand mutants: one thread, one event loop, and a count of what came."""

import asyncio
import re
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tests.hostile.mutants import Ending, Mutant

_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
# A request's number is the one of its endpoint, in the path, and that of its event added.
_FIRST = re.compile(rb"^POST /(\d+) ")
_NUMBER = re.compile(rb'"number": *(\d+)')
_KEPT_FOR = 0.05  # seconds

Answers = Callable[[int], Mutant]


class MutantReceiver:
    """Answers the request of a number with the mutant of that number, until the `with` block ends.

    Attributes:
        received: how many requests of each number were read to their end; to be read when all is over.
    """

    def __init__(self, answers: Answers) -> None:
        self.received: Counter[int] = Counter()
        self._answers = answers
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        serving = asyncio.run_coroutine_threadsafe(self._serve(), self._loop)
        self.port = serving.result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> int:
        self._open: set[asyncio.Transport] = set()
        self._server = await self._loop.create_server(
            lambda: _Connection(self.received, self._answers, self._open), "127.0.0.1", 0, backlog=1024
        )
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _end(self) -> None:
        self._server.close()
        for transport in list(self._open):
            transport.abort()
        await self._server.wait_closed()


class _Connection(asyncio.Protocol):
    def __init__(self, received: Counter[int], answers: Answers, connections: set[asyncio.Transport]) -> None:
        self._received = received
        self._answers = answers
        self._open = connections
        self._unread = b""
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._open.add(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._open.discard(self._transport)
        if self._end is not None:
            self._end.cancel()

    def data_received(self, data: bytes) -> None:
        self._unread += data
        head_end = self._unread.find(_HEAD_END)
        if head_end < 0:
            return
        length = _LENGTH.search(self._unread, 0, head_end)
        end = head_end + len(_HEAD_END) + (int(length[1]) if length else 0)
        if len(self._unread) < end:
            return
        request, self._unread = self._unread[:end], self._unread[end:]
        first, number = _FIRST.match(request), _NUMBER.search(request, head_end)
        assert first is not None
        assert number is not None
        self._answer(int(first[1]) + int(number[1]))

    def _answer(self, number: int) -> None:
        self._received[number] += 1
        if self._end is not None:
            self._end.cancel()
        answer = self._answers(number)
        self._transport.write(answer.pieces[0])
        if len(answer.pieces) > 1:
            asyncio.get_running_loop().call_soon(self._write, answer.pieces[1])
        match answer.ending:
            case Ending.CLOSED:
                self._later(0, self._transport.close)
            case Ending.RESET:
                self._later(0, self._reset)
            case Ending.KEPT:
                self._later(_KEPT_FOR, self._transport.close)
            case Ending.HELD:
                pass

    def _write(self, piece: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(piece)

    def _reset(self) -> None:
        accepted = self._transport.get_extra_info("socket")
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self._end = asyncio.get_running_loop().call_later(seconds, action)
