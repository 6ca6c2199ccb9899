"""The relay as an ASGI application: a WebSocket for each CLI, and `/healthz`."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from api.cli_relay.feed import Listener, Message
from api.cli_relay.messages import SUBPROTOCOL, UNKNOWN_ID, request_log_event, webhook_events, word_of
from api.cli_relay.switchboard import Admission, Switchboard, TooManySessions, call_in
from api.models import RequestLog
from dispatcher.config import dispatcher_settings
from outbox.facts import EventFacts

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# A forwarded answer is at most 5,000 bytes of body and twenty headers, which JSON may make six times as long.
MAX_MESSAGE_BYTES = 131_072
# What was said and is not written down yet; beyond it nothing more is read from a CLI.
_UNWRITTEN = 64
_ADMISSION_SECONDS = 8.0  # the CLI waits ten

POLICY_VIOLATION, NOT_TEXT, GOING_AWAY = 1008, 1003, 1012


class RelayApplication:
    """What uvicorn calls for each connection; lives in its event loop."""

    def __init__(self, switchboard: Switchboard) -> None:
        self._switchboard = switchboard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "websocket":
                await self._serve(scope, receive, send)
            case "http":
                await self._answer_probe(scope, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        if SUBPROTOCOL not in scope["subprotocols"]:
            await _deny(send, 400, f"This is for WebSockets of the protocol {SUBPROTOCOL}.")
            return
        token = _header(scope, b"websocket-id")
        line = SocketLine(send)
        admitted = await self._admit(token, line) if token else None
        match admitted:
            case Listener():
                await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
                try:
                    await self._relay(admitted, line, receive)
                finally:
                    self._switchboard.release(admitted)
            case None:
                await _deny(send, 404, UNKNOWN_ID)
            case TooManySessions():
                await _deny(send, 503, "This relay serves as many sessions as it may.")
            case TimeoutError():
                await _deny(send, 503, "The database does not answer.")

    async def _admit(
        self, token: str, line: "SocketLine"
    ) -> Listener | TooManySessions | TimeoutError | None:
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Listener | TooManySessions | None] = loop.create_future()

        def resolve(answer: Listener | TooManySessions | None) -> None:
            if not answered.done():
                answered.set_result(answer)
            elif isinstance(answer, Listener):
                # Nobody waited for it any more.
                self._switchboard.release(answer)

        self._switchboard.admit(
            Admission(token, line, lambda answer: call_in(loop, resolve, answer)),
        )
        try:
            return await asyncio.wait_for(answered, _ADMISSION_SECONDS)
        except TimeoutError as error:
            return error

    async def _relay(self, listener: Listener, line: "SocketLine", receive: Receive) -> None:
        """Both ways, until one of them ends."""
        ways = {
            asyncio.create_task(line.write_for(listener)),
            asyncio.create_task(self._read(listener, line, receive)),
        }
        try:
            ended, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        for way in ended:
            way.result()

    async def _read(self, listener: Listener, line: "SocketLine", receive: Receive) -> None:
        loop = asyncio.get_running_loop()
        room = asyncio.Semaphore(_UNWRITTEN)
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            if text is None:
                await line.close(NOT_TEXT, "messages are text")
                return
            try:
                word = word_of(text)
            except ValueError:
                await line.close(POLICY_VIOLATION, "messages are JSON objects")
                return
            if word is not None:
                await room.acquire()
                self._switchboard.take_in(listener, word, lambda: call_in(loop, room.release))

    async def _answer_probe(self, scope: Scope, send: Send) -> None:
        if scope["path"].rstrip("/") != "/healthz":
            await _answer(send, 404, b'{"error":{"message":"There are only WebSockets here, and /healthz."}}')
        elif self._switchboard.is_connected:
            await _answer(send, 200, b'{"status":"ok"}')
        else:
            await _answer(send, 503, b'{"status":"the database does not answer"}')


class SocketLine:
    """The way to one CLI: what the database thread pushes waits here until the socket takes it.

    No more than a window's worth ever waits: the thread pushes nothing beyond what is acknowledged.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Queue[Message | str] = asyncio.Queue()

    def push(self, messages: Sequence[Message]) -> None:
        for message in messages:
            call_in(self._loop, self._waiting.put_nowait, message)

    def hang_up(self, reason: str) -> None:
        call_in(self._loop, self._waiting.put_nowait, reason)

    async def close(self, code: int, reason: str) -> None:
        with contextlib.suppress(OSError):
            await self._send({"type": "websocket.close", "code": code, "reason": reason})

    async def write_for(self, listener: Listener) -> None:
        """Push what waits until told to hang up; signed as it leaves. Ends where the socket is gone."""
        user_agent = dispatcher_settings().user_agent
        while True:
            match await self._waiting.get():
                case Message(id, EventFacts() as facts):
                    texts = webhook_events(
                        id,
                        facts,
                        api_version=listener.api_version,
                        keys=listener.keys,
                        now=time.time(),
                        user_agent=user_agent,
                    )
                case Message(id, RequestLog() as row):
                    texts = [request_log_event(id, row)]
                case str(reason):
                    await self.close(POLICY_VIOLATION, reason)
                    return
            try:
                for text in texts:
                    await self._send({"type": "websocket.send", "text": text})
            except OSError:
                # The reader is told of the same.
                return


def _header(scope: Scope, name: bytes) -> str:
    """One that is there once, else nothing."""
    values = [value for key, value in scope["headers"] if key.lower() == name]
    return values[0].decode("latin-1") if len(values) == 1 and len(values[0]) <= 200 else ""


async def _deny(send: Send, status: int, message: str) -> None:
    """Instead of the handshake, in the words that the CLI reads."""
    body = b'{"error":{"message":"%b"}}' % message.encode()
    await _answer(send, status, body, kind="websocket.http.response")


async def _answer(send: Send, status: int, body: bytes, *, kind: str = "http.response") -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": f"{kind}.start", "status": status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})
