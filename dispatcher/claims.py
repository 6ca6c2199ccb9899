"""Claiming: the right to send due deliveries, for the time of a lease.

Endpoints are claimed before rows: lanes that are ready, longest waiting first, then a bounded share of
rows from each. So the cost of a claim is that of its batch, however much waits behind a dead endpoint.
Three statements in one READ COMMITTED transaction, each with a snapshot of its own: a single statement
that locked lanes and read deliveries could put a lane to sleep with a row due. One more each where locked
lanes are disabled or their circuit is not closed.
"""

import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from dispatcher.heads import promote_heads
from outbox.database import execute, fetch_all
from outbox.facts import EventFacts
from outbox.sql import prepared, statements

_SQL = statements("dispatcher.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedEndpoint:
    """Where claimed deliveries go, as of their claim."""

    id: uuid.UUID
    url: str
    api_version: str
    sealed_secrets: tuple[str, ...]  # current first; the previous one signs too until it expires
    send_traceparent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The time that the claims of one cycle have."""

    claimed_at: float  # time.monotonic() before the claim was asked for
    claimed_epoch: float  # the database's clock at the claim, Unix seconds
    ends_at: float  # time.monotonic(); never later than the end by the database's clock

    def now_epoch(self) -> float:
        """The database's clock now, Unix seconds: this machine's own clock may be wrong."""
        return self.claimed_epoch + (time.monotonic() - self.claimed_at)


class Claim(NamedTuple):
    """A leased delivery: one attempt that whoever begins it may make until the lease ends."""

    delivery_id: uuid.UUID
    endpoint: ClaimedEndpoint
    event_id: uuid.UUID
    claim_no: int  # the fence: what this claim records counts only while the row still carries it
    attempt_number: int  # from 1
    attempt_id: uuid.UUID
    reclaimed: bool  # the lease of another claim ran out before
    by_hand: bool  # a resend that somebody asked for
    event: EventFacts | None  # None where the event is gone
    lease: Lease
    begun: bool = True  # else a worker has to begin it first


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """What a worker is told of a claim that it may begin."""

    delivery_id: uuid.UUID
    claim_no: int


# So many endpoints are served by one claim: among R that are ready each is served within R / 64 claims.
LANES_PER_CLAIM = 64


def claim_due_deliveries(
    *,
    limit: int,
    lease_for: timedelta,
    lease_owner: uuid.UUID,
    lanes: int = LANES_PER_CLAIM,
    ended: Counter[str] | None = None,
    begun: bool = True,
) -> list[Claim]:
    """Lease up to `limit` due deliveries of up to `lanes` endpoints; requires a transaction.

    Locks are only ever taken with SKIP LOCKED, so a claim waits for nobody. Rows whose lease ran out come
    first, and an attempt `unknown` is written for the claim that vanished. The leases hold from the commit.
    What falls due at a disabled endpoint is cancelled, and counted in `ended` by its state.

    Args:
        begun: whether the caller sends what it claims; where not, a worker has to begin each delivery, and a
            lease that ends before was no attempt.
    """
    claimed_at = time.monotonic()
    ready = fetch_all(prepared("dispatcher.sql", "lock_ready_lanes"), {"lanes": max(1, min(lanes, limit))})
    if not ready:
        return []
    endpoints: dict[uuid.UUID, ClaimedEndpoint] = {}
    disabled: list[uuid.UUID] = []
    guarded: list[uuid.UUID] = []  # their circuit is open or half-open
    for endpoint_id, *where, is_disabled, _, is_guarded in ready:
        endpoints[endpoint_id] = _endpoint(endpoint_id, *where)
        if is_disabled:
            disabled.append(endpoint_id)
        elif is_guarded:
            guarded.append(endpoint_id)
    share = max(1, limit // len(ready))
    changes: Counter[uuid.UUID] = Counter()
    if disabled:
        headless: list[tuple[uuid.UUID, str]] = []
        for endpoint_id, unleased, cancelled, order_keys in fetch_all(
            _SQL["cancel_of_disabled"], {"endpoint_ids": disabled, "share": share}
        ):
            changes[endpoint_id] -= unleased
            if ended is not None:
                ended["cancelled"] += cancelled
            headless += [(endpoint_id, order_key) for order_key in order_keys or ()]
        promote_heads(headless)
    if guarded:
        for endpoint_id, unleased in fetch_all(
            _SQL["give_back_expired"], {"endpoint_ids": guarded, "share": share}
        ):
            changes[endpoint_id] -= unleased
    rows = fetch_all(
        prepared("dispatcher.sql", "lease_deliveries"),
        {
            "endpoint_ids": list(endpoints),
            "share": share,
            "lease": lease_for,
            "lease_owner": lease_owner,
            "begun": begun,
        },
    )
    lease = _lease(claimed_at, ready[0][_NOW], lease_for)
    claims = [_claim(row, endpoints, lease, begun=begun) for row in rows]
    # A re-claim of an expired lease leaves the lane's count as it was: that row was counted already.
    changes.update(claim.endpoint.id for claim in claims if not claim.reclaimed)
    # But each of them is a send, and takes a token.
    taken = Counter(claim.endpoint.id for claim in claims)
    execute(
        prepared("dispatcher.sql", "schedule_lanes"),
        {
            "endpoint_ids": list(endpoints),
            "changes": [changes[endpoint_id] for endpoint_id in endpoints],
            "taken": [taken[endpoint_id] for endpoint_id in endpoints],
        },
    )
    return claims


def begin_deliveries(hints: Sequence[Hint], *, lease_for: timedelta, lease_owner: uuid.UUID) -> list[Claim]:
    """Begin what another process claimed, and lease it anew; requires a transaction.

    A hint whose claim does not stand, was begun or has run out is dropped, so one that comes late or twice
    sends nothing twice. Locks are only taken with SKIP LOCKED. No lane changes: what was leased stays leased,
    and a lane that looks for the end of the earlier lease only looks early.
    """
    claimed_at = time.monotonic()
    if not hints:
        return []
    rows = fetch_all(
        prepared("dispatcher.sql", "begin_deliveries"),
        {
            "delivery_ids": [hint.delivery_id for hint in hints],
            "claim_nos": [hint.claim_no for hint in hints],
            "lease": lease_for,
            "lease_owner": lease_owner,
        },
    )
    if not rows:
        return []
    lease = _lease(claimed_at, rows[0][-1], lease_for)
    endpoints: dict[uuid.UUID, ClaimedEndpoint] = {}
    for _, endpoint_id, *_, url, api_version, secret, previous_secret, send_traceparent, _ in rows:
        if endpoint_id not in endpoints:
            endpoints[endpoint_id] = _endpoint(
                endpoint_id, url, api_version, secret, previous_secret, send_traceparent
            )
    return [_claim(row, endpoints, lease, begun=True) for row in rows]


def postpone_next_lane() -> uuid.UUID | None:
    """Put off the lane that is next in line by half a minute, for a claim of it fails; requires a transaction."""
    rows = fetch_all(_SQL["postpone_lane"], {})
    return rows[0][0] if rows else None


def _endpoint(
    endpoint_id: uuid.UUID,
    url: str,
    api_version: str,
    secret: str,
    previous_secret: str | None,
    send_traceparent: bool,
) -> ClaimedEndpoint:
    return ClaimedEndpoint(
        id=endpoint_id,
        url=url,
        api_version=api_version,
        sealed_secrets=(secret, previous_secret) if previous_secret else (secret,),
        send_traceparent=send_traceparent,
    )


def _lease(claimed_at: float, claimed_epoch: float, lease_for: timedelta) -> Lease:
    ends_at = claimed_at + lease_for.total_seconds()
    return Lease(claimed_at=claimed_at, claimed_epoch=claimed_epoch, ends_at=ends_at)


def _claim(
    row: Sequence[Any], endpoints: Mapping[uuid.UUID, ClaimedEndpoint], lease: Lease, *, begun: bool
) -> Claim:
    """A row of lease_deliveries.sql: what a Claim holds up to `by_hand`, then the facts of the event."""
    event_id = row[2]
    event = None if row[_DATA] is None else EventFacts(event_id, *row[_FACTS])
    return Claim._make((row[0], endpoints[row[1]], event_id, *row[3:8], event, lease, begun))


_FACTS = slice(8, 16)
_DATA = 11
_NOW = 7  # of lock_ready_lanes
