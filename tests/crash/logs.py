"""The three logs of a batch: what clients were told, what the database holds, what the receiver got."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from outbox.identifiers import encode_id
from tests.acceptance.evidence import rows
from tests.crash.receiver import Request


@dataclass(frozen=True, slots=True)
class Lease:
    """A delivery that was leased when a fault struck."""

    delivery: uuid.UUID
    event: str
    path: str
    claim_no: int
    claimed: float | None  # by the database's clock, Unix seconds; None where no worker had begun it


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """One blow of a fault, by the database's clock in Unix seconds."""

    fault: str
    at: float
    healed: float  # when what was struck could go on; of a death the same as `at`
    senders: frozenset[int] | None  # the numbers of the processes that were struck; None: any may have been
    leases: tuple[Lease, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One row of the attempt log; `started` is the claim's moment where the outcome is unknown."""

    claim_no: int
    started: float  # Unix seconds
    seconds: float  # what the send took, 0 where that is unknown
    outcome: str
    superseded: bool


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one endpoint."""

    id: uuid.UUID
    event: str
    path: str
    state: str
    finished: float | None  # Unix seconds
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was acknowledged."""

    events: frozenset[str] = frozenset()
    payments: Mapping[int, str] = field(default_factory=dict)  # order → payment intent


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the database holds of the batch."""

    events: Mapping[str, str]  # event → owner
    subscribed: Mapping[str, frozenset[str]]  # owner → paths of its enabled endpoints
    deliveries: Sequence[Delivery]
    intents: Mapping[int, Sequence[tuple[str, str]]]  # order → (payment intent, its end)
    told_of: Mapping[str, Sequence[str]]  # payment intent → types of its events, sorted
    lanes_off: int = 0  # lanes whose count is not that of their leased deliveries
    ledger: int = 0  # the sum of all entries
    left: int = 0  # pointers and live deliveries


@dataclass(frozen=True, slots=True, kw_only=True)
class Logs:
    told: Told
    held: Held
    got: Sequence[Request]
    strikes: Sequence[Strike]


def leases(database_url: str) -> tuple[float, tuple[Lease, ...]]:
    """The database's clock, and what is leased."""
    [(now,)] = rows(database_url, "SELECT extract(epoch FROM clock_timestamp())::float8")
    return now, tuple(
        Lease(delivery, encode_id("evt", event), urlsplit(url).path, claim_no, claimed)
        for delivery, event, url, claim_no, claimed in rows(database_url, _LEASES)
    )


_LEASES = """
SELECT delivery.id, delivery.event_id, endpoint.url, delivery.claim_no,
       extract(epoch FROM delivery.started_at)::float8
FROM dispatcher_delivery AS delivery
JOIN dispatcher_endpoint AS endpoint ON endpoint.id = delivery.endpoint_id
WHERE delivery.lease_owner IS NOT NULL
"""


def floor(database_url: str) -> uuid.UUID:
    """The least id of what is made from now on."""
    [(found,)] = rows(database_url, "SELECT outbox_uuid7()")
    return uuid.UUID(int=uuid.UUID(str(found)).int >> 80 << 80)


def held(database_url: str, since: uuid.UUID) -> Held:
    """What was made since; everything must have ended."""
    since_text = str(since)
    attempts: dict[uuid.UUID, list[Attempt]] = defaultdict(list)
    for delivery, *values in rows(database_url, _ATTEMPTS, since_text):
        attempts[delivery].append(Attempt(*values))
    intents: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for intent, status, failed, order in rows(database_url, _INTENTS, since_text):
        end = "failed" if failed and status != "succeeded" else status
        intents[int(order)].append((encode_id("pi", intent), end))
    events: dict[str, str] = {}
    told_of: dict[str, list[str]] = defaultdict(list)
    for event, owner, object_id, type_ in rows(database_url, _EVENTS, since_text):
        events[encode_id("evt", event)] = owner
        if object_id.startswith("pi_"):
            told_of[object_id].append(type_)
    subscribed: dict[str, set[str]] = defaultdict(set)
    for owner, url in rows(database_url, _ENDPOINTS):
        subscribed[owner].add(urlsplit(url).path)
    [(lanes_off, ledger, left)] = rows(database_url, _STANDING)
    return Held(
        events=events,
        subscribed={owner: frozenset(paths) for owner, paths in subscribed.items()},
        deliveries=[
            Delivery(
                delivery,
                encode_id("evt", event),
                urlsplit(url).path,
                state,
                finished,
                tuple(attempts[delivery]),
            )
            for delivery, event, url, state, finished in rows(database_url, _DELIVERIES, since_text)
        ],
        intents=intents,
        told_of={intent: sorted(types) for intent, types in told_of.items()},
        lanes_off=lanes_off,
        ledger=int(ledger),
        left=left,
    )


_ATTEMPTS = """
SELECT delivery_id, claim_no, extract(epoch FROM started_at)::float8, coalesce(total_ms, 0) / 1000, outcome, superseded
FROM dispatcher_attempt
WHERE event_id >= %s
ORDER BY delivery_id, number
"""
_INTENTS = """
SELECT id, status, last_payment_error IS NOT NULL, metadata ->> 'order' FROM core_payment_intent WHERE id >= %s
"""
_EVENTS = "SELECT id, owner, object_id, type FROM outbox_event WHERE id >= %s"
_ENDPOINTS = "SELECT owner, url FROM dispatcher_endpoint WHERE status = 'enabled' AND deleted_at IS NULL"
_DELIVERIES = """
SELECT record.id, record.event_id, endpoint.url, record.state, extract(epoch FROM record.finished_at)::float8
FROM dispatcher_delivery_record AS record
JOIN dispatcher_endpoint AS endpoint ON endpoint.id = record.endpoint_id
WHERE record.event_id >= %s
"""
_STANDING = """
SELECT (SELECT count(*)
        FROM dispatcher_lane AS lane
        WHERE lane.in_flight <> (SELECT count(*) FROM dispatcher_delivery
                                 WHERE endpoint_id = lane.endpoint_id AND lease_owner IS NOT NULL)),
       (SELECT coalesce(sum(amount), 0) FROM core_ledger_entry),
       (SELECT count(*) FROM outbox_pending) + (SELECT count(*) FROM dispatcher_delivery)
"""
