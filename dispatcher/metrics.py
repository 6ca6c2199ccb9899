"""Metrics of one process in Prometheus' form: what it counted itself, and how it stands in the database.

The database thread adds up whole cycles in plain numbers (well under a microsecond a delivery); families are
only built when somebody scrapes. Needs prometheus-client, which nothing else imports.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from prometheus_client.core import Metric

from dispatcher.cycles import Cycle
from dispatcher.models import FINISHED_STATES
from dispatcher.recording import Recorded
from dispatcher.retry import Retry, Succeed
from dispatcher.standing import COUNTED, Standing
from outbox.exposition import Families, ProcessMetrics
from outbox.measures import EVENTS_RECORDED, STATEMENT_BOUNDS, Description, Histogram

# A millisecond to an hour: an event waits milliseconds while all is well, and hours behind a dead endpoint.
WAIT_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)


CATALOGUE = (
    Description(
        "dispatcher_events_recorded_total", "counter",
        "Events recorded for fan-out since the tables were made, by the database's sequence.",
    ),
    Description(
        "dispatcher_events_fanned_out_total", "counter", "Events that this process fanned out.",
    ),
    Description(
        "dispatcher_deliveries_created_total", "counter", "Deliveries that this process's fan-out created.",
    ),
    Description(
        "dispatcher_deliveries_claimed_total", "counter", "Deliveries that this process leased.",
    ),
    Description(
        "dispatcher_leases_expired_total", "counter",
        "Leases that ran out unrecorded, found by this process when it claimed the deliveries again.",
    ),
    Description(
        "dispatcher_attempts_total", "counter",
        "Attempts that this process recorded, by outcome and failure code (empty after a success).",
        ("outcome", "failure_code"),
    ),
    Description(
        "dispatcher_attempts_superseded_total", "counter",
        "Recorded attempts whose claim no longer stood: they changed no delivery.",
    ),
    Description(
        "dispatcher_deliveries_ended_total", "counter",
        "Deliveries that this process ended, by state.", ("state",),
    ),
    Description(
        "dispatcher_claim_seconds", "histogram", "Time of the claim within a cycle that had room for one.",
    ),
    Description(
        "dispatcher_record_seconds", "histogram", "Time of recording attempts within a cycle that had any.",
    ),
    Description(
        "dispatcher_cycle_seconds", "histogram", "Time of a whole cycle, its commit and repetitions included.",
    ),
    Description(
        "dispatcher_event_to_first_attempt_seconds", "histogram",
        "From the recording of an event (the time in its id) to the begin of a delivery's first attempt.",
    ),
    Description(
        "dispatcher_sends_in_flight", "gauge", "Requests of this process that are under way.",
    ),
    Description(
        "dispatcher_database_up", "gauge", "Whether the database gave the reading that the metrics below need.",
    ),
    Description(
        "dispatcher_backlog", "gauge",
        f"Live deliveries by state, and events that wait for fan-out; each counted up to {COUNTED}.", ("state",),
    ),
    Description(
        "dispatcher_leases", "gauge", "Leased deliveries by the lanes' own count, over all processes.",
    ),
    Description(
        "dispatcher_oldest_due_age_seconds", "gauge",
        "Age of the oldest due delivery: of those that may be claimed now, and of any.", ("which",),
    ),
    Description("dispatcher_circuits", "gauge", "Enabled endpoints whose circuit is not closed, by state.", ("state",)),
    Description("dispatcher_paused", "gauge", "Whether all deliveries are paused."),
    Description(
        "dispatcher_default_partition_rows", "gauge",
        "Rows in default partitions, where none should be, by table; counted up to 10000.", ("table",),
    ),
    EVENTS_RECORDED,
)  # fmt: skip
_FAMILIES = Families(CATALOGUE)


class Metrics(ProcessMetrics):
    """An observer of one process, and the collector of its registry.

    Args:
        standing: gives the database's side, or None where the database does not.
    """

    def __init__(self, *, standing: Callable[[], Standing | None]) -> None:
        super().__init__()
        self._standing = standing
        self._in_flight: Callable[[], int] = int
        self._lock = threading.Lock()  # scrapes read what the database thread adds
        self._counts: Counter[str] = Counter()
        self._codes: Counter[str | None] = Counter()  # attempts; None is a success
        self._ended: Counter[str] = Counter()
        self._claim = Histogram(STATEMENT_BOUNDS)
        self._record = Histogram(STATEMENT_BOUNDS)
        self._cycle = Histogram(STATEMENT_BOUNDS)
        self._wait = Histogram(WAIT_BOUNDS)

    def watch_sends(self, in_flight: Callable[[], int]) -> None:
        self._in_flight = in_flight

    def cycled(self, cycle: Cycle) -> None:
        with self._lock:
            counts = self._counts
            counts["fanned_out"] += cycle.fanned_out
            counts["created"] += cycle.created
            counts["claimed"] += len(cycle.claims)
            counts["expired"] += sum([claim.reclaimed for claim in cycle.claims])
            self._ended.update(cycle.ended)
            self._cycle.observe_all([cycle.seconds])
            if cycle.room > 0:
                self._claim.observe_all([cycle.claim_seconds])
            if cycle.recorded:
                self._record.observe_all([cycle.record_seconds])
                self._recorded(cycle.recorded)

    def _recorded(self, recorded: Sequence[Recorded]) -> None:
        attempts = [one.attempted for one in recorded]
        self._codes.update([attempted.outcome.failure_code for attempted in attempts])
        decisions = [type(one.attempted.decision) for one in recorded if not one.superseded]
        succeeded = decisions.count(Succeed)
        self._ended["succeeded"] += succeeded
        self._ended["dead_lettered"] += len(decisions) - succeeded - decisions.count(Retry)
        self._counts["superseded"] += len(recorded) - len(decisions)
        # The first 48 bits of an event's id are its moment in milliseconds.
        self._wait.observe_all(
            [
                attempted.started_epoch - (attempted.claim.event_id.int >> 80) / 1000
                for attempted in attempts
                if attempted.claim.attempt_number == 1 and not attempted.claim.by_hand
            ]
        )

    def collect(self) -> Iterator[Metric]:
        """Every metric of the catalogue; those that the database tells only where it did."""
        standing = self._standing()
        with self._lock:
            families = [*self._own(), _FAMILIES.gauge("dispatcher_database_up", standing is not None)]
        yield from families
        if standing is not None:
            yield from _of_database(standing)

    def _own(self) -> Iterator[Metric]:
        counts = self._counts
        yield _FAMILIES.counter("dispatcher_events_fanned_out_total", counts["fanned_out"])
        yield _FAMILIES.counter("dispatcher_deliveries_created_total", counts["created"])
        yield _FAMILIES.counter("dispatcher_deliveries_claimed_total", counts["claimed"])
        yield _FAMILIES.counter("dispatcher_leases_expired_total", counts["expired"])
        attempts = {("succeeded", ""): self._codes[None]} | {
            ("failed", str(code)): count for code, count in self._codes.items() if code is not None
        }
        yield _FAMILIES.counter("dispatcher_attempts_total", attempts.items())
        yield _FAMILIES.counter("dispatcher_attempts_superseded_total", counts["superseded"])
        yield _FAMILIES.counter(
            "dispatcher_deliveries_ended_total",
            [((state.value,), self._ended[state.value]) for state in FINISHED_STATES],
        )
        yield _FAMILIES.histogram("dispatcher_claim_seconds", self._claim)
        yield _FAMILIES.histogram("dispatcher_record_seconds", self._record)
        yield _FAMILIES.histogram("dispatcher_cycle_seconds", self._cycle)
        yield _FAMILIES.histogram("dispatcher_event_to_first_attempt_seconds", self._wait)
        yield _FAMILIES.gauge("dispatcher_sends_in_flight", self._in_flight())
        yield _FAMILIES.recorded()


def _of_database(standing: Standing) -> Iterator[Metric]:
    yield _FAMILIES.counter("dispatcher_events_recorded_total", standing.events_recorded)
    backlog = {
        ("pending_fan_out",): standing.pending_fan_out,
        ("due",): standing.due,
        ("scheduled",): standing.scheduled,
        ("leased",): standing.leased,
    }
    yield _FAMILIES.gauge("dispatcher_backlog", backlog.items())
    yield _FAMILIES.gauge("dispatcher_leases", standing.leases)
    ages = {("permitted",): standing.oldest_permitted, ("any",): standing.oldest_due}
    yield _FAMILIES.gauge("dispatcher_oldest_due_age_seconds", ages.items())
    circuits = {("open",): standing.circuits_open, ("half_open",): standing.circuits_half_open}
    yield _FAMILIES.gauge("dispatcher_circuits", circuits.items())
    yield _FAMILIES.gauge("dispatcher_paused", standing.paused)
    strays = [((table,), held) for table, held in standing.strays.items()]
    yield _FAMILIES.gauge("dispatcher_default_partition_rows", strays)
