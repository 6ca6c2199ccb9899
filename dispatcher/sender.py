"""The send thread: keeps every slot busy, and never touches the database."""

import threading
import time
from collections import deque
from collections.abc import Sequence
from datetime import timedelta

from dispatcher.attempts import Attempted
from dispatcher.claims import Claim
from dispatcher.config import SEND_MARGIN
from dispatcher.delivery import DeliveryPlan, Sending
from dispatcher.outcomes import Outcome
from dispatcher.transport import CurlAdapter
from dispatcher.waking import Wakeup
from outbox.crash_points import reach

# Results are handed over when there are this many, or when the oldest has waited this long. While most slots
# are taken nothing hangs on it, and a commit for hundreds costs a fifth of what commits for thirty cost.
FLUSH_SIZE = 256
FLUSH_AFTER = 0.010
FLUSH_AFTER_WHILE_BUSY = 0.050
_IDLE_WAIT = 1.0


class Sender(threading.Thread):
    """Sends claims through one curl multi handle; refills a slot the moment it frees.

    The database thread calls submit(), take() and drain(); everything else runs in this thread.
    """

    def __init__(self, adapter: CurlAdapter, plan: DeliveryPlan, *, attempt_timeout: timedelta) -> None:
        super().__init__(name="sender", daemon=True)
        self.results_ready = Wakeup()
        self.failure: BaseException | None = None
        self._adapter = adapter
        self._plan = plan
        # A send that begins later than this before its lease's end could still be under way when another
        # dispatcher claims the delivery.
        self._reserve = (attempt_timeout + SEND_MARGIN).total_seconds()
        self._queue: deque[Claim] = deque()
        self._finished: deque[Attempted] = deque()
        self._unsent: deque[Claim] = deque()
        self._oldest_finished = 0.0
        self._draining = False

    @property
    def outstanding(self) -> int:
        """Claims handed over and not taken back: queued, in flight, finished or unsent."""
        return len(self._queue) + self._adapter.in_flight + len(self._finished) + len(self._unsent)

    @property
    def in_flight(self) -> int:
        return self._adapter.in_flight

    def submit(self, claims: Sequence[Claim]) -> None:
        self._queue.extend(claims)
        self._adapter.wake()

    def take(self) -> tuple[list[Attempted], list[Claim]]:
        """What has finished, and what could not be begun within its lease."""
        self.results_ready.clear()
        finished = [self._finished.popleft() for _ in range(len(self._finished))]
        unsent = [self._unsent.popleft() for _ in range(len(self._unsent))]
        return finished, unsent

    def drain(self) -> None:
        """Begin nothing more; the thread ends when what is in flight has ended."""
        self._draining = True
        self._adapter.wake()

    def run(self) -> None:
        try:
            while not (self._draining and self._adapter.in_flight == 0):
                self._begin_what_fits()
                self._collect(self._adapter.wait(self._patience()))
            self._give_back_queue()
        except BaseException as error:
            self.failure = error
            raise
        finally:
            self.results_ready.set()
            self._adapter.close()

    def _begin_what_fits(self) -> None:
        if self._draining:
            self._give_back_queue()
            return
        while self._queue and self._adapter.free_slots:
            claim = self._queue.popleft()
            if time.monotonic() + self._reserve > claim.lease.ends_at:
                self._unsent.append(claim)
                self.results_ready.set()
                continue
            sending = self._plan.begin(claim)
            request = self._plan.build(claim, now=sending.started_epoch, traceparent=sending.traceparent)
            if isinstance(request, Outcome):
                self._finish(self._plan.conclude(sending, request))
            else:
                self._adapter.start(sending, request)
                reach("during_send")

    def _collect(self, results: Sequence[tuple[object, object]]) -> None:
        for token, result in results:
            reach("after_send")
            assert isinstance(token, Sending)
            self._finish(self._plan.conclude(token, result))  # type: ignore[arg-type]
        if self._finished and (
            len(self._finished) >= FLUSH_SIZE
            or time.monotonic() >= self._flush_at()
            or self._adapter.in_flight == 0
        ):
            self.results_ready.set()

    def _finish(self, attempted: Attempted) -> None:
        if not self._finished:
            self._oldest_finished = time.monotonic()
        self._finished.append(attempted)

    def _patience(self) -> float:
        """Seconds to wait for the network: not past the moment at which finished results are due."""
        if not self._finished or self.results_ready.is_set:
            return _IDLE_WAIT
        return max(0.0, self._flush_at() - time.monotonic())

    def _flush_at(self) -> float:
        adapter = self._adapter
        busy = bool(self._queue) or adapter.in_flight > adapter.free_slots
        return self._oldest_finished + (FLUSH_AFTER_WHILE_BUSY if busy else FLUSH_AFTER)

    def _give_back_queue(self) -> None:
        while self._queue:
            self._unsent.append(self._queue.popleft())
        self.results_ready.set()
