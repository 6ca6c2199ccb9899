"""The generated days before: payments, their events, and how each was delivered, written straight into the tables.

Nothing here was ever sent. Seeded, so that two runs differ in their moments only.
"""

from __future__ import annotations

import json
import random
import uuid
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from core.models import Account, Customer, PaymentIntent
from core.objects import payment_intent_object
from dispatcher.models import Attempt, DeliveryState, Endpoint, FinishedDelivery
from dispatcher.tallies import DURATION_BOUNDS, WAIT_BOUNDS, Tally
from outbox.database import execute
from outbox.identifiers import floor_uuid
from outbox.models import Event
from outbox.partitions import PERIODS_AHEAD, Period, maintain_partitions
from outbox.sql import statements
from tools.demo_data.cast import EndpointPart, MerchantPart
from tools.demo_data.stage import SCHEDULE

_STATUSES = {"http_5xx": 503, "http_4xx": 401, "http_410_gone": 410, "http_429": 429, "redirect_refused": 301}
_TALLIES_WRITTEN = 1_000  # at once
_SQL = statements("dispatcher.sql")
_RECENT = timedelta(minutes=10)  # left to the real run


@dataclass(frozen=True, slots=True, kw_only=True)
class Furnished:
    """A merchant whose rows exist."""

    part: MerchantPart
    account: Account
    customers: list[Customer]
    endpoints: list[tuple[EndpointPart, Endpoint]]


@dataclass(slots=True)
class _Rows:
    """What is written in the end, in so few statements."""

    intents: list[PaymentIntent] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    deliveries: list[FinishedDelivery] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    tallies: dict[tuple[uuid.UUID, int], Tally] = field(default_factory=lambda: defaultdict(Tally))


def uuid_at(moment: datetime, chance: random.Random) -> uuid.UUID:
    """A UUIDv7 of that moment."""
    version_and_variant = (0x7 << 76) | (0b10 << 62)
    noise = chance.getrandbits(80) & ~((0xF << 76) | (0b11 << 62))
    return uuid.UUID(int=floor_uuid(moment).int | version_and_variant | noise)


def make_partitions(*, days: int) -> None:
    """Those that the past needs; what is ahead has been made by the migrations."""
    today = datetime.now(tz=UTC).date()
    for ago in range(days, 0, -PERIODS_AHEAD[Period.DAY]):
        maintain_partitions(today=today - timedelta(days=ago))


def write_past(merchants: list[Furnished], *, days: int, per_day: int, chance: random.Random) -> int:
    """So many payments a day, more by day than by night; the number of attempts that were made up."""
    rows = _Rows()
    now = datetime.now(tz=UTC)
    for moment in _moments(now, days=days, per_day=per_day, chance=chance):
        (merchant,) = chance.choices(merchants, weights=[one.part.weight for one in merchants])
        _pay(merchant, moment, rows, chance)
    PaymentIntent.objects.bulk_create(rows.intents, batch_size=500)
    Event.objects.bulk_create(rows.events, batch_size=500)
    FinishedDelivery.objects.bulk_create(rows.deliveries, batch_size=500)
    Attempt.objects.bulk_create(rows.attempts, batch_size=500)
    sums = [tally.row(endpoint_id.int, minute) for (endpoint_id, minute), tally in rows.tallies.items()]
    for first in range(0, len(sums), _TALLIES_WRITTEN):
        some = sums[first : first + _TALLIES_WRITTEN]
        execute(_SQL["add_to_rollups"], {"tallies": json.dumps(some)})
    return len(rows.attempts)


def _moments(now: datetime, *, days: int, per_day: int, chance: random.Random) -> Iterator[datetime]:
    """In order. Noon sees four times what midnight sees."""
    for hour in range(24 * days, 0, -1):
        begin = now - timedelta(hours=hour)
        share = (0.4, 0.5, 0.9, 1.4, 1.6, 1.2)[begin.hour // 4]
        expected = per_day / 24 * share
        count = int(expected) + (chance.random() < expected % 1)
        seconds = sorted(chance.uniform(0, 3600) for _ in range(count))
        for second in seconds:
            moment = begin + timedelta(seconds=second)
            if moment < now - _RECENT:
                yield moment


def _pay(merchant: Furnished, moment: datetime, rows: _Rows, chance: random.Random) -> None:
    amount = chance.choice(merchant.part.amounts)
    refused = chance.random() < 0.08
    customer = chance.choice(merchant.customers)
    intent = PaymentIntent(
        id=uuid_at(moment, chance),
        account=merchant.account,
        customer=customer,
        amount=amount,
        amount_received=0 if refused else amount,
        currency=merchant.part.currency,
        status="requires_payment_method" if refused else "succeeded",
        client_secret=f"pi_past_secret_{chance.getrandbits(96):x}",
        description=chance.choice(merchant.part.descriptions),
        payment_method_types=["card"],
        payment_method=None if refused else "pm_card_visa",
    )
    rows.intents.append(intent)
    event = Event(
        id=uuid_at(moment + timedelta(milliseconds=chance.randint(40, 900)), chance),
        owner=merchant.account.public_id,
        type="payment_intent.payment_failed" if refused else "payment_intent.succeeded",
        object_id=payment_intent_object(intent)["id"],
        data=json.dumps(payment_intent_object(intent), separators=(",", ":"), ensure_ascii=False),
    )
    rows.events.append(event)
    for part, endpoint in merchant.endpoints:
        if "*" in part.events or event.type in part.events:
            _deliver(part, endpoint, event, rows, chance)


def _deliver(
    part: EndpointPart, endpoint: Endpoint, event: Event, rows: _Rows, chance: random.Random
) -> None:
    created = event.created_at + timedelta(milliseconds=chance.randint(2, 30))
    delivery = FinishedDelivery(
        id=uuid_at(created, chance),
        owner=event.owner,
        endpoint=endpoint,
        event_id=event.id,
        state=DeliveryState.DEAD_LETTERED,
        reason="schedule_over",
        attempts=0,
        resend_no=0,
    )
    started = created + timedelta(milliseconds=chance.randint(1, 12))
    for wait in (*SCHEDULE, None):
        delivery.attempts += 1
        failed = chance.random() * 100 < part.failing
        milliseconds = part.milliseconds * chance.lognormvariate(0, 0.35)
        attempt = _attempt(part, delivery, started, milliseconds, failed=failed, chance=chance)
        rows.attempts.append(attempt)
        tally = rows.tallies[endpoint.id, int(started.timestamp() // 60)]
        _count(tally, attempt, event)
        delivery.finished_at = started + timedelta(milliseconds=milliseconds)
        if not failed:
            delivery.state, delivery.reason = DeliveryState.SUCCEEDED, None
            tally.delivered += 1
            break
        if wait is None:
            tally.dead_lettered += 1
        else:
            started = delivery.finished_at + timedelta(seconds=wait * chance.uniform(0.9, 1.1))
    rows.deliveries.append(delivery)


def _count(tally: Tally, attempt: Attempt, event: Event) -> None:
    """As a dispatcher's own tallies do."""
    if attempt.failure_code is None:
        tally.succeeded += 1
    else:
        tally.failed += 1
        tally.codes[attempt.failure_code] += 1
    assert attempt.total_ms is not None
    tally.total_ms += attempt.total_ms
    tally.durations[bisect_left(DURATION_BOUNDS, attempt.total_ms)] += 1
    if attempt.number == 1:
        waited = (attempt.started_at - event.created_at) / timedelta(milliseconds=1)
        tally.waits[bisect_left(WAIT_BOUNDS, waited)] += 1


def _attempt(
    part: EndpointPart,
    delivery: FinishedDelivery,
    started: datetime,
    milliseconds: float,
    *,
    failed: bool,
    chance: random.Random,
) -> Attempt:
    status = _STATUSES.get(part.code) if failed else 200
    met = status is not None
    return Attempt(
        id=uuid_at(started, chance),
        delivery_id=delivery.id,
        endpoint_id=delivery.endpoint_id,
        event_id=delivery.event_id,
        number=delivery.attempts,
        claim_no=delivery.attempts,
        started_at=started,
        outcome="failed" if failed else "succeeded",
        failure_code=part.code if failed else None,
        detail=(f"answered {status}" if met else part.code.replace("_", " ")) if failed else None,
        status=status,
        peer_ip="127.0.0.1" if met else None,
        dns_ms=0.2 if met else None,
        connect_ms=0.5 if met else None,
        tls_ms=milliseconds * 0.2 if met else None,
        first_byte_ms=milliseconds * 0.9 if met else None,
        total_ms=milliseconds,
        response=f"HTTP/1.1 {status}\r\nServer: nginx\r\nContent-Length: 0\r\n\r\n".encode() if met else None,
    )
