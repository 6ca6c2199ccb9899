"""The executor `dramatiq`: what is claimed is sent by workers, which learn of it through a broker.

1. Fan out and claim, with nothing begun; give back what could not be handed out before.
2. After the commit send hints to the broker.
3. Claim no more than workers take on.

A broker that is away costs nothing but time: claims are given back, and nothing is claimed before it is there.
"""

import contextlib
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

from tenacity import RetryError, Retrying, retry_if_exception_type, wait_exponential_jitter

from dispatcher.attempt_log import AttemptLog
from dispatcher.brokers import broker_warnings, shown
from dispatcher.claims import Claim, Hint
from dispatcher.connection import surviving_outages
from dispatcher.cycles import Cycle, CycleRunner
from dispatcher.errors import BrokerOutOfReach
from dispatcher.handed_out import HandedOut
from dispatcher.hints import HINTS_PER_MESSAGE, HintPost
from dispatcher.observer import Observer, Unobserved
from dispatcher.waking import Wakeup
from outbox.crash_points import reach

_DOZE = 0.1  # seconds within which a request to stop is noticed
_STAY_CONNECTED_INTERVAL = 10.0
T = TypeVar("T")


class DramatiqExecutor:
    """Hands claims out to workers; the other executor is the Pipeline.

    Args:
        outstanding: how many leases may be out that no worker has begun.

    Raises:
        BrokerUnusable: the URL names no broker, or its client library is not installed.
    """

    in_flight = 0
    outstanding = 0  # what workers have begun they record

    def __init__(
        self,
        *,
        broker_url: str,
        log: AttemptLog,
        lease: timedelta,
        outstanding: int,
        is_stopping: Callable[[], bool],
        observer: Observer | None = None,
    ) -> None:
        self._observer = observer or Unobserved()
        self._log = log
        self._is_stopping = is_stopping
        self._broker_url = broker_url
        self._post = HintPost(broker_url)
        self._wakeup = Wakeup()
        self._heartbeat_due = 0.0  # by time.monotonic()
        self._handed_out = HandedOut(outstanding, tell=log.tell)
        self.lease_owner = uuid.uuid4()
        self._cycles = CycleRunner(lease_owner=self.lease_owner, lease=lease, log=log, begun=False)

    @property
    def room(self) -> int:
        return self._handed_out.room

    def start(self) -> None:
        """Connect to the broker.

        Raises:
            BrokerOutOfReach: it cannot be reached.
        """
        self._post.connect()
        for warning in broker_warnings(self._post.broker):
            self._log.tell(warning)

    def close(self) -> None:
        self._post.close()
        self._wakeup.close()

    def cycle(self, *, room: int, fan_out: bool) -> Cycle:
        """Fan out, claim up to `room` deliveries and hand them out."""
        self.reach_database(self._handed_out.look)
        cycle = self._run(room=room, fan_out=fan_out)
        self._observer.cycled(cycle)
        if cycle.claims:
            reach("before_hints")
            self._log.claimed(cycle.claims)
            self._hand_out(cycle.claims)
            reach("after_hints")
        return cycle

    def wait(self, seconds: float) -> bool:
        happened = self._wakeup.wait(seconds)
        if time.monotonic() >= self._heartbeat_due:
            self._heartbeat_due = time.monotonic() + _STAY_CONNECTED_INTERVAL
            self._post.stay_connected()
        return happened

    def finish(self, *, meanwhile: Callable[[], None]) -> None:
        """Nothing waits here: what was handed out is its workers', or runs out."""
        self._post.close()

    def reach_database(self, work: Callable[[], T]) -> T:
        return surviving_outages(work, tell=self._log.tell, keep_trying=lambda: not self._is_stopping())

    def _run(self, *, unsent: Sequence[Claim] = (), room: int = 0, fan_out: bool = False) -> Cycle:
        return self.reach_database(
            lambda: self._cycles.run(attempted=(), unsent=unsent, room=room, fan_out=fan_out)
        )

    def _hand_out(self, claims: Sequence[Claim]) -> None:
        for start in range(0, len(claims), HINTS_PER_MESSAGE):
            message = claims[start : start + HINTS_PER_MESSAGE]
            try:
                self._post.send(
                    [Hint(delivery_id=claim.delivery_id, claim_no=claim.claim_no) for claim in message]
                )
            except BrokerOutOfReach as error:
                # This message may have arrived all the same: what of it was begun is not given back.
                self._run(unsent=claims[start:])
                self._wait_for_broker(error)
                return
            self._handed_out.add(message)

    def _wait_for_broker(self, error: BrokerOutOfReach) -> None:
        """Until it takes a message, with waits that grow from 0.1 s to 5 s, or until a stop is asked for."""
        broker = shown(self._broker_url)
        self._log.tell(f"broker {broker} out of reach ({error}); nothing is claimed until it is back")
        retrying = Retrying(
            retry=retry_if_exception_type(BrokerOutOfReach),
            wait=wait_exponential_jitter(multiplier=0.1, max=5, jitter=0.5),
            stop=lambda _: self._is_stopping(),
            sleep=self._doze,
        )
        with contextlib.suppress(RetryError):  # asked to stop
            # One without hints: a broker that is short of memory connects, and takes no message.
            retrying(self._post.send, [])
            self._log.tell(f"broker {broker} is back")

    def _doze(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._is_stopping() and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _DOZE))
