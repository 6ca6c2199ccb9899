"""The loop of a settlement process: lease what is due, settle it, wait, until asked to stop."""

import time

import structlog
from django.db import Error, close_old_connections
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_random_exponential

from core.models import PaymentIntent
from core.observer import Observer, Unobserved
from core.refunds import settle_next_refund
from core.settlement import DueSettlement, lease_due_settlements, settle_payment
from core.states import Status
from core.stop_signal import StopSignal
from outbox.crash_points import reach
from outbox.database import database_failed, sqlstate
from outbox.expiry import expire_rows
from outbox.identifiers import encode_id
from outbox.tracing import span

# Lock not available, statement timeout, deadlock, serialization failure: another row may well go through.
_OF_ONE_ROW = frozenset({"55P03", "57014", "40P01", "40001"})
_LONGEST_PAUSE = 5.0  # seconds between tries to reach a PostgreSQL that went away

_EXPIRED_AT_ONCE = 1_000  # rows: a transaction that holds nobody up
_EXPIRY_INTERVAL = 60.0  # seconds

log = structlog.get_logger("core.settler")


class Settler:
    """Settles payments until `stop` is requested; any number of them may run, anywhere.

    Args:
        batch: how many settlements are leased at once.
        poll_interval: seconds to wait when nothing is due.
        observer: is told what it does.
    """

    def __init__(
        self, *, stop: StopSignal, batch: int, poll_interval: float, observer: Observer | None = None
    ) -> None:
        self._observer = observer or Unobserved()
        self._stop = stop
        self._batch = batch
        self._poll_interval = poll_interval
        self._expiry_due = 0.0  # by time.monotonic()

    def run(self) -> None:
        """Until the stop is requested; a batch begun is finished."""
        while not self._stop.requested:
            if self.settle_batch() < self._batch:
                self._expire()
                self._stop.wait(self._poll_interval)

    def drain(self) -> None:
        """Until nothing is due, or the stop is requested. What falls due later stays."""
        while not self._stop.requested and self.settle_batch():
            pass

    def _expire(self) -> None:
        """Delete what installed apps no longer keep: a batch a minute, or one at every look while there is more."""
        if time.monotonic() < self._expiry_due:
            return
        try:
            expired = expire_rows(limit=_EXPIRED_AT_ONCE)
        except Error as error:
            log.warning("settlement.expiry_failed", error=str(error).strip())
            expired = 0
        self._expiry_due = time.monotonic() + (0 if expired >= _EXPIRED_AT_ONCE else _EXPIRY_INTERVAL)

    def settle_batch(self) -> int:
        """Lease and settle one batch; gives its size, 0 where the stop was requested first.

        Waits for a PostgreSQL that went away. What was leased and not settled then falls due again
        when its lease ends.
        """
        patiently = Retrying(
            retry=retry_if_exception(database_failed),
            wait=wait_random_exponential(max=_LONGEST_PAUSE),
            stop=self._asked_to_stop,
            sleep=self._stop.wait,
            before_sleep=self._forget_connection,
            retry_error_callback=_give_up,
        )
        return patiently(self._settle_batch)

    def _asked_to_stop(self, state: RetryCallState) -> bool:
        del state
        return self._stop.requested

    def _settle_batch(self) -> int:
        due = lease_due_settlements(limit=self._batch)
        self._observer.leased(len(due))
        if due:
            reach("after_settlement_lease")
        for settlement in due:
            self._settle(settlement)
        refunds = 0
        while refunds < self._batch and self._settle_refund():
            refunds += 1
        return max(len(due), refunds)

    def _settle(self, due: DueSettlement) -> None:
        """One settlement and its log line. A row that cannot be settled holds back none of the others."""
        started = time.monotonic()
        line = log.bind(payment_intent=due.public_id, account=due.owner)
        try:
            with span(
                "settle payment",
                kind="consumer",
                parent=due.traceparent,
                attributes={"core.payment_intent": due.public_id, "core.account": due.owner},
            ) as traced:
                intent = settle_payment(due)
                if traced is not None:
                    traced.set_attribute("settlement.outcome", _outcome(intent))
        except Exception as error:
            if database_failed(error) and sqlstate(error) not in _OF_ONE_ROW:
                raise
            self._observer.failed("payment")
            line.exception("payment.settlement_failed")
            return
        seconds = time.monotonic() - started
        self._observer.settled("payment", _outcome(intent), seconds)
        line.info(
            "payment.settled",
            outcome=_outcome(intent),
            code=None
            if intent is None or intent.last_payment_error is None
            else intent.last_payment_error["code"],
            ms=round(seconds * 1000, 1),
        )

    def _settle_refund(self) -> bool:
        """The refund whose turn it is, and its log line; whether there was one."""
        started = time.monotonic()
        try:
            row = settle_next_refund()
        except Exception as error:
            if database_failed(error):
                raise
            # It stays due, and payments go on without it.
            self._observer.failed("refund")
            log.exception("refund.settlement_failed")
            return False
        if row is None:
            return False
        self._observer.settled("refund", row.status, time.monotonic() - started)
        owner = encode_id("acct", row.account_id)
        log.info("refund.settled", refund=row.public_id, account=owner, outcome=row.status)
        return True

    def _forget_connection(self, state: RetryCallState) -> None:
        """Close what the next try cannot use, and say why there is one."""
        close_old_connections()
        self._observer.lost_database()
        error = state.outcome.exception() if state.outcome else None
        log.warning("settlement.database_unavailable", attempt=state.attempt_number, error=str(error).strip())


def _outcome(intent: PaymentIntent | None) -> str:
    if intent is None:
        return "settled_elsewhere"
    return "succeeded" if intent.status == Status.SUCCEEDED else "failed"


def _give_up(state: RetryCallState) -> int:
    """Asked to stop while PostgreSQL was away: there is nothing to finish."""
    del state
    return 0
