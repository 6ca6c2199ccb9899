"""Metrics of a settlement process: what it counted itself, and what is due in the database.

Families are only built when somebody scrapes. Needs prometheus-client, which nothing else in this room imports.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator

from prometheus_client.core import Metric

from core.observer import Kind
from core.standing import COUNTED, DueReading
from outbox.exposition import Families, ProcessMetrics
from outbox.measures import EVENTS_RECORDED, STATEMENT_BOUNDS, Description, Histogram

CATALOGUE = (
    Description("settlement_leased_total", "counter", "Payments that this process leased to settle."),
    Description(
        "settlement_settled_total", "counter",
        "Payments and refunds whose settlement this process ended, by outcome.", ("kind", "outcome"),
    ),
    Description(
        "settlement_failures_total", "counter",
        "Settlements that failed by a fault of ours; each falls due again.", ("kind",),
    ),
    Description(
        "settlement_database_losses_total", "counter",
        "Times that a batch met a database that did not answer, and was tried again.",
    ),
    Description(
        "settlement_seconds", "histogram",
        "Time of one settlement, the bank's answer and the commit included.", ("kind",),
    ),
    Description(
        "settlement_database_up", "gauge", "Whether the database said what is due.",
    ),
    Description(
        "settlement_due", "gauge", f"Payments and refunds that are due, counted up to {COUNTED}.", ("kind",),
    ),
    Description(
        "settlement_oldest_due_age_seconds", "gauge",
        "For how long the oldest payment and the oldest refund have been due that no process has leased.", ("kind",),
    ),
    EVENTS_RECORDED,
)  # fmt: skip
_FAMILIES = Families(CATALOGUE)
_KINDS: tuple[Kind, ...] = ("payment", "refund")


class Metrics(ProcessMetrics):
    """The observer of one process, and the collector of its registry.

    Args:
        due: gives the database's side, or None where the database does not.
    """

    def __init__(self, *, due: Callable[[], DueReading | None]) -> None:
        super().__init__()
        self._due = due
        self._lock = threading.Lock()  # scrapes read what the loop adds
        self._leased = self._losses = 0
        self._settled: Counter[tuple[str, str]] = Counter()
        self._failed: Counter[str] = Counter()
        self._seconds: dict[tuple[str, ...], Histogram] = {
            (kind,): Histogram(STATEMENT_BOUNDS) for kind in _KINDS
        }

    def leased(self, payments: int) -> None:
        with self._lock:
            self._leased += payments

    def settled(self, kind: Kind, outcome: str, seconds: float) -> None:
        with self._lock:
            self._settled[kind, outcome] += 1
            self._seconds[(kind,)].observe(seconds)

    def failed(self, kind: Kind) -> None:
        with self._lock:
            self._failed[kind] += 1

    def lost_database(self) -> None:
        with self._lock:
            self._losses += 1

    def collect(self) -> Iterator[Metric]:
        """Every metric of the catalogue; those that the database tells only where it did."""
        due = self._due()
        with self._lock:
            families = [
                _FAMILIES.counter("settlement_leased_total", self._leased),
                _FAMILIES.counter("settlement_settled_total", self._settled.items()),
                _FAMILIES.counter(
                    "settlement_failures_total", [((kind,), self._failed[kind]) for kind in _KINDS]
                ),
                _FAMILIES.counter("settlement_database_losses_total", self._losses),
                _FAMILIES.histograms("settlement_seconds", self._seconds),
                _FAMILIES.gauge("settlement_database_up", due is not None),
                _FAMILIES.recorded(),
            ]
        yield from families
        if due is not None:
            ages = {("payment",): due.oldest_payment, ("refund",): due.oldest_refund}
            counts = {("payment",): due.payments, ("refund",): due.refunds}
            yield _FAMILIES.gauge("settlement_due", counts.items())
            yield _FAMILIES.gauge("settlement_oldest_due_age_seconds", ages.items())
