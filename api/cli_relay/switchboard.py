"""The database thread of a relay: one connection to PostgreSQL, one look for all CLIs that this process serves.

The event loop never waits for PostgreSQL: it puts what came over the WebSockets into the inbox, and is called back.
"""

import asyncio
import itertools
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import structlog
from django.db import Error

from api.cli_relay.feed import (
    Listener,
    Message,
    find_messages,
    keep_sessions,
    leave_session,
    note_words,
    open_session,
    take_messages,
)
from api.cli_relay.messages import Word
from api.models import CliFeature
from dispatcher.connection import is_transient, surviving_outages
from dispatcher.waking import Wakeup
from outbox.database import disconnect

_log = structlog.get_logger("api.cli_relay")

_KEEP_EVERY = 15.0  # seconds; a session is taken for live up to a minute after its last sign of life
# However many events are recorded: they are looked for at most fifty times a second.
_SHORTEST_PAUSE = 0.02
_IDLE_PAUSE = 5.0

REPLACED = "another connection of the session, or the end of its key, closed this one"


class Line(Protocol):
    """The way to one CLI. Both are called from the database thread and return at once."""

    def push(self, messages: Sequence[Message]) -> None: ...

    def hang_up(self, reason: str) -> None: ...


class TooManySessions(Exception):
    """The process serves as many sessions as it may."""


@dataclass(frozen=True, slots=True)
class Admission:
    """A WebSocket that asks to be served."""

    token: str
    line: Line
    answer: Callable[[Listener | TooManySessions | None], None]


@dataclass(frozen=True, slots=True)
class Departure:
    """A WebSocket that is closed."""

    listener: Listener


class Switchboard:
    """Admits sessions, pushes what they are to hear, and writes down what they say.

    Args:
        poll_interval: seconds between looks; a recorded event ends the wait.
        max_sessions: connected at once in this process.
        on_failure: called from the thread where it ends by a fault of ours.
    """

    def __init__(
        self, *, poll_interval: float, max_sessions: int, on_failure: Callable[[], None] = lambda: None
    ) -> None:
        self._poll_interval = poll_interval
        self._max_sessions = max_sessions
        self._on_failure = on_failure
        self._admissions: deque[Admission | Departure] = deque()
        self._words: deque[tuple[Listener, Word, Callable[[], None]]] = deque()
        self._lines: dict[Listener, Line] = {}
        self._wakeup = Wakeup()
        self._stopping = False
        self._next_keep = 0.0
        self._thread = threading.Thread(target=self._run, name="cli-relay-database")
        self.failure: BaseException | None = None
        self.is_connected = False
        # Since the start, counted by the thread alone; whoever reads gets whole numbers.
        self.admissions: Counter[str] = Counter()
        self.pushed: Counter[CliFeature] = Counter()
        self.words: Counter[type[Word]] = Counter()

    def sessions(self) -> "Counter[CliFeature]":
        """Connected now, by what they listen to; from any thread."""
        return Counter(listener.feature for listener in list(self._lines))

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Leaves every session, and returns when the thread has ended."""
        self._stopping = True
        self._wakeup.set()
        self._thread.join()
        self._wakeup.close()

    # --- From the event loop ---

    def admit(self, admission: Admission) -> None:
        self._admissions.append(admission)
        self._wakeup.set()

    def release(self, listener: Listener) -> None:
        self._admissions.append(Departure(listener))
        self._wakeup.set()

    def take_in(self, listener: Listener, word: Word, written: Callable[[], None]) -> None:
        """`written` is called from the thread, once it is."""
        self._words.append((listener, word, written))
        self._wakeup.set()

    # --- The thread ---

    def _run(self) -> None:
        try:
            surviving_outages(self._serve, tell=self._tell_outage, keep_trying=lambda: not self._stopping)
        except BaseException as error:
            if not (self._stopping and isinstance(error, Error)):
                self.failure = error
                _log.exception("cli_relay.failed")
                self._on_failure()
        finally:
            self.is_connected = False
            disconnect()

    def _tell_outage(self, sentence: str) -> None:
        self.is_connected = False
        _log.warning("cli_relay.outage", reason=sentence)

    def _serve(self) -> None:
        self.is_connected = True
        while not self._stopping:
            self._wakeup.clear()
            try:
                any_more = self._cycle()
            except Error as error:
                if not is_transient(error):
                    raise
                _log.warning("cli_relay.cycle_failed", reason=str(error).strip())
                any_more = False
            time.sleep(_SHORTEST_PAUSE)
            if not any_more:
                self._wakeup.wait(self._poll_interval if self._lines else _IDLE_PAUSE)
        self._write_words()
        for listener in list(self._lines):
            leave_session(listener)

    def _cycle(self) -> bool:
        """Everything once; says whether more is known to wait."""
        self._write_words()
        self._answer_admissions()
        now = time.monotonic()
        if now >= self._next_keep:
            self._keep()
            self._next_keep = now + _KEEP_EVERY
        waiting = [self._feed(feature) for feature in CliFeature]
        return any(waiting)

    def _write_words(self) -> None:
        """What cannot be written now stays, and is written when PostgreSQL is back."""
        words = list(itertools.islice(self._words, len(self._words)))
        if not words:
            return
        note_words((listener, word) for listener, word, _ in words)
        for listener, word, written in words:
            self._words.popleft()
            listener.in_flight.discard(word.message_id)
            self.words[type(word)] += 1
            written()

    def _answer_admissions(self) -> None:
        while self._admissions:
            match self._admissions[0]:
                case Admission() as admission:
                    admission.answer(self._admitted(admission))
                case Departure(listener):
                    if listener in self._lines:
                        leave_session(listener)
                        del self._lines[listener]
                        _log.info("cli_relay.left", session=str(listener.session_id))
            self._admissions.popleft()

    def _admitted(self, admission: Admission) -> Listener | TooManySessions | None:
        if len(self._lines) >= self._max_sessions:
            self.admissions["full"] += 1
            return TooManySessions()
        listener = open_session(admission.token)
        if listener is None:
            self.admissions["unknown"] += 1
            return None
        self.admissions["admitted"] += 1
        for other in [one for one in self._lines if one.session_id == listener.session_id]:
            self._lines.pop(other).hang_up(REPLACED)
        self._lines[listener] = admission.line
        _log.info("cli_relay.joined", session=str(listener.session_id), feature=str(listener.feature))
        return listener

    def _keep(self) -> None:
        listeners = list(self._lines)
        if not listeners:
            return
        kept = keep_sessions(listeners)
        for listener in listeners:
            if listener.session_id not in kept:
                self._lines.pop(listener).hang_up(REPLACED)

    def _feed(self, feature: CliFeature) -> bool:
        listeners = [one for one in self._lines if one.feature is feature and one.room > 0]
        if not listeners:
            return False
        any_more = find_messages(feature, listeners, now=datetime.now(tz=UTC))
        lines = {listener.session_id: self._lines[listener] for listener in listeners}
        for session_id, messages in take_messages(feature, listeners):
            lines[session_id].push(messages)
            self.pushed[feature] += len(messages)
        return any_more


def call_in(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *arguments: object) -> None:
    """From another thread; a loop that has ended has nobody left to tell."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(function, *arguments)
