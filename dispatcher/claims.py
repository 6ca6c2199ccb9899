"""Claiming: the right to send due deliveries, for the time of a lease.

Endpoints are claimed before rows: lanes that are ready, longest waiting first, then a bounded share of
rows from each. So the cost of a claim is that of its batch, however much waits behind a dead endpoint.
Three statements in one READ COMMITTED transaction, each with a snapshot of its own: a single statement
that locked lanes and read deliveries could put a lane to sleep with a row due.
"""

import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from outbox.database import execute, fetch_all
from outbox.facts import EventFacts
from outbox.sql import statements

_SQL = statements("dispatcher.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedEndpoint:
    """Where claimed deliveries go, as of their claim."""

    id: uuid.UUID
    url: str
    api_version: str
    sealed_secrets: tuple[str, ...]  # current first; the previous one signs too until it expires


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A leased delivery: one attempt that whoever begins it may make until the lease ends."""

    delivery_id: uuid.UUID
    event_id: uuid.UUID
    claim_no: int  # the fence: what this claim records counts only while the row still carries it
    attempt_id: uuid.UUID
    attempt_number: int  # from 1
    reclaimed: bool  # the lease of another claim ran out before
    begun: bool  # else a worker has to begin it first
    by_hand: bool  # a resend that somebody asked for
    endpoint: ClaimedEndpoint
    event: EventFacts | None  # None where the event is gone
    claimed_at: float  # time.monotonic() before the claim was asked for
    claimed_epoch: float  # the database's clock at the claim, Unix seconds
    lease_ends_at: float  # time.monotonic(); never later than the end by the database's clock

    def now_epoch(self) -> float:
        """The database's clock now, Unix seconds: this machine's own clock may be wrong."""
        return self.claimed_epoch + (time.monotonic() - self.claimed_at)


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
    begun: bool = True,
) -> list[Claim]:
    """Lease up to `limit` due deliveries of up to `lanes` endpoints; requires a transaction.

    Locks are only ever taken with SKIP LOCKED, so a claim waits for nobody. Rows whose lease ran out come
    first, and an attempt `unknown` is written for the claim that vanished. The leases hold from the commit.

    Args:
        begun: whether the caller sends what it claims; where not, a worker has to begin each delivery, and a
            lease that ends before was no attempt.
    """
    claimed_at = time.monotonic()
    ready = fetch_all(_SQL["lock_ready_lanes"], {"lanes": max(1, min(lanes, limit))})
    if not ready:
        return []
    endpoints: dict[uuid.UUID, ClaimedEndpoint] = {}
    disabled: list[uuid.UUID] = []
    for endpoint_id, url, api_version, secret, previous_secret, is_disabled, _ in ready:
        secrets = (secret, previous_secret) if previous_secret else (secret,)
        endpoints[endpoint_id] = ClaimedEndpoint(
            id=endpoint_id, url=url, api_version=api_version, sealed_secrets=secrets
        )
        if is_disabled:
            disabled.append(endpoint_id)
    share = max(1, limit // len(ready))
    changes: Counter[uuid.UUID] = Counter()
    if disabled:
        for endpoint_id, unleased in fetch_all(
            _SQL["cancel_of_disabled"], {"endpoint_ids": disabled, "share": share}
        ):
            changes[endpoint_id] -= unleased
    rows = fetch_all(
        _SQL["lease_deliveries"],
        {
            "endpoint_ids": list(endpoints),
            "share": share,
            "lease": lease_for,
            "lease_owner": lease_owner,
            "begun": begun,
        },
    )
    claims = [
        _claim(
            row,
            endpoints[row[1]],
            claimed_at=claimed_at,
            claimed_epoch=ready[0][6],
            lease_for=lease_for,
            begun=begun,
        )
        for row in rows
    ]
    # A re-claim of an expired lease leaves the lane's count as it was: that row was counted already.
    changes.update(claim.endpoint.id for claim in claims if not claim.reclaimed)
    execute(
        _SQL["schedule_lanes"],
        {"endpoint_ids": list(endpoints), "changes": [changes[endpoint_id] for endpoint_id in endpoints]},
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
        _SQL["begin_deliveries"],
        {
            "delivery_ids": [hint.delivery_id for hint in hints],
            "claim_nos": [hint.claim_no for hint in hints],
            "lease": lease_for,
            "lease_owner": lease_owner,
        },
    )
    endpoints: dict[uuid.UUID, ClaimedEndpoint] = {}
    claims = []
    for *row, url, api_version, secret, previous_secret, epoch in rows:
        endpoint = endpoints.get(row[1])
        if endpoint is None:
            secrets = (secret, previous_secret) if previous_secret else (secret,)
            endpoint = endpoints[row[1]] = ClaimedEndpoint(
                id=row[1], url=url, api_version=api_version, sealed_secrets=secrets
            )
        claims.append(
            _claim(row, endpoint, claimed_at=claimed_at, claimed_epoch=epoch, lease_for=lease_for, begun=True)
        )
    return claims


def postpone_next_lane() -> uuid.UUID | None:
    """Put off the lane that is next in line by half a minute, for a claim of it fails; requires a transaction."""
    rows = fetch_all(_SQL["postpone_lane"], {})
    return rows[0][0] if rows else None


def _claim(
    row: Sequence[Any],
    endpoint: ClaimedEndpoint,
    *,
    claimed_at: float,
    claimed_epoch: float,
    lease_for: timedelta,
    begun: bool,
) -> Claim:
    (delivery_id, _, event_id, claim_no, attempts, attempt_id, *rest) = row
    was_leased, by_hand, owner, type_, object_id, data, request_id, idempotency_key = rest
    return Claim(
        delivery_id=delivery_id,
        event_id=event_id,
        claim_no=claim_no,
        attempt_id=attempt_id,
        attempt_number=attempts,
        reclaimed=was_leased,
        begun=begun,
        by_hand=by_hand,
        endpoint=endpoint,
        event=None
        if data is None
        else EventFacts(
            id=event_id,
            owner=owner,
            type=type_,
            object_id=object_id,
            data=data,
            request_id=request_id,
            idempotency_key=idempotency_key,
        ),
        claimed_at=claimed_at,
        claimed_epoch=claimed_epoch,
        lease_ends_at=claimed_at + lease_for.total_seconds(),
    )
