"""A worker's side of the executor `dramatiq`: hints from the broker into the one pipeline of the process.

The threads of dramatiq's worker only carry: each hands its message's hints to the pipeline and waits until
they were begun, so the broker keeps a message until its deliveries are this process's in PostgreSQL, and
gives no more than the pipeline takes. The pipeline starts with the worker, which is after any fork.
"""

import os
import signal
import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import Error
from dramatiq import Broker, Middleware, Worker

from dispatcher.attempt_log import AttemptLog
from dispatcher.brokers import build_broker
from dispatcher.claims import Hint
from dispatcher.config import DispatcherSettings
from dispatcher.connection import passes
from dispatcher.errors import BrokerOutOfReach
from dispatcher.hints import receive_hints, send_hints
from dispatcher.observer import Observer, Observers
from dispatcher.pipeline import LONGEST_WAIT, Pipeline
from dispatcher.processes import ProcessFacts
from dispatcher.pulse import Pulse
from dispatcher.tallies import Tallies
from outbox.database import disconnect, first_line

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(slots=True, eq=False)
class _Message:
    """The hints of one message, and the thread that waits for them."""

    left: "Sequence[Hint]"  # not passed to a cycle yet
    settled: threading.Event = field(default_factory=threading.Event)
    followed: bool = False


class HintPipeline(threading.Thread):
    """The database thread of a worker: begins what hints name, sends it, records it.

    Any thread may call `follow()` and `close()`. `failure` is what ended it, if anything did.
    """

    def __init__(
        self,
        *,
        settings: DispatcherSettings,
        log: AttemptLog,
        concurrency: int,
        lease: timedelta,
        observer: Observer | None = None,
    ) -> None:
        super().__init__(name="pipeline", daemon=True)
        self.failure: BaseException | None = None
        self._log = log
        self._lock = threading.Lock()
        self._messages: deque[_Message] = deque()
        self._closing = False
        tallies = Tallies(kept=settings.rollups)
        self._pipeline = Pipeline(
            settings=settings,
            log=log,
            concurrency=concurrency,
            lease=lease,
            observer=Observers(observer, tallies),
            is_stopping=lambda: self._closing,
        )
        self._pulse = Pulse(
            facts=ProcessFacts.of_this_process(
                id=self._pipeline.lease_owner, kind="worker", executor="dramatiq", concurrency=concurrency
            ),
            tallies=tallies,
            log=log,
            in_flight=lambda: self._pipeline.in_flight,
            leases=lambda: self._pipeline.outstanding,
        )

    @property
    def in_flight(self) -> int:
        return self._pipeline.in_flight

    def follow(self, hints: "Sequence[Hint]") -> bool:
        """Wait until the deliveries were begun, those that still stand; False where the pipeline closes instead."""
        if not hints:
            return True
        message = _Message(hints)
        with self._lock:
            if self._closing:
                return False
            self._messages.append(message)
        self._pipeline.wake()
        message.settled.wait()
        return message.followed

    def close(self) -> None:
        """Begin nothing more; the thread ends when what is in flight has ended and is recorded."""
        with self._lock:
            self._closing = True
        self._pipeline.wake()

    def run(self) -> None:
        self._pipeline.start()
        try:
            try:
                self._work()
            except Error as error:
                # Asked to stop, it waits for no database but for the sake of results.
                if not (self._closing and passes(error)):
                    raise
            self._let_go()
            self._pipeline.finish(meanwhile=self._pulse.write_on_the_way_down)
            self._pulse.end()
        except BaseException as error:
            self.failure = error
            reason = first_line(error)
            self._log.tell(f"the worker cannot go on: {reason}")
            if not self._closing:
                # As the first signal from outside: dramatiq's worker stops too, whoever runs it.
                os.kill(os.getpid(), signal.SIGTERM)
        finally:
            self.close()
            self._let_go()
            self._log.close()
            self._pipeline.close()
            disconnect()

    def _work(self) -> None:
        woken = False
        while not self._closing:
            if self._pulse.due:
                self._pipeline.reach_database(self._pulse.write)
            hints, complete = self._next_hints()
            try:
                if hints or woken or self._pipeline.unrecorded:
                    self._pipeline.cycle(hints=hints)
                for message in complete:
                    message.followed = True
            finally:
                for message in complete:
                    message.settled.set()
            more = bool(self._messages) and self._pipeline.room > 0
            if not more:
                self._pipeline.wait(LONGEST_WAIT)  # notifications of events are the dispatcher's business
            woken = self._pipeline.has_results

    def _next_hints(self) -> "tuple[list[Hint], list[_Message]]":
        """As many as there is room for, and the messages that are settled when these were begun."""
        hints: list[Hint] = []
        complete = []
        room = self._pipeline.room
        while room > len(hints) and self._messages:
            message = self._messages[0]
            fits = room - len(hints)
            hints += message.left[:fits]
            message.left = message.left[fits:]
            if not message.left:
                complete.append(self._messages.popleft())
        return hints, complete

    def _let_go(self) -> None:
        while self._messages:
            self._messages.popleft().settled.set()


class PipelineMiddleware(Middleware):
    """Starts the pipeline when a worker boots, and ends it with the worker."""

    def __init__(
        self,
        *,
        settings: DispatcherSettings,
        log: AttemptLog,
        concurrency: int,
        observer: Observer | None = None,
    ) -> None:
        self._observer = observer
        self._settings = settings
        self._log = log
        self._concurrency = concurrency
        self.pipeline: HintPipeline | None = None

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:
        self.pipeline = HintPipeline(
            settings=self._settings,
            log=self._log,
            concurrency=self._concurrency,
            lease=self._settings.lease,
            observer=self._observer,
        )
        self.pipeline.start()

    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        if self.pipeline is not None:
            self.pipeline.close()

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        if self.pipeline is not None:
            self.pipeline.join()


def worker_broker(
    url: str,
    *,
    settings: DispatcherSettings,
    log: AttemptLog,
    concurrency: int,
    observer: Observer | None = None,
) -> tuple[Broker, PipelineMiddleware]:
    """A broker whose worker begins what hints name.

    Raises:
        BrokerUnusable: the URL names no broker, or its client library is not installed.
    """
    middleware = PipelineMiddleware(settings=settings, log=log, concurrency=concurrency, observer=observer)
    broker = build_broker(url, middleware=[middleware])

    def follow(hints: list[Hint]) -> None:
        pipeline = middleware.pipeline
        if pipeline is not None and pipeline.follow(hints):
            return
        # This worker ends: another one shall have them now, not when their leases have ended.
        try:
            send_hints(broker, hints)
        except BrokerOutOfReach:
            log.tell(f"{len(hints)} hints could not be passed on; their leases run out")

    receive_hints(broker, follow)
    return broker, middleware
