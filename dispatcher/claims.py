"""Claiming: the right to send due deliveries, for the time of a lease.

Endpoints are claimed before rows: lanes that are ready, longest waiting first, then a bounded share of
rows from each. So the cost of a claim is that of its batch, however much waits behind a dead endpoint.
Three statements in one READ COMMITTED transaction, each with a snapshot of its own: a single statement
that locked lanes and read deliveries could put a lane to sleep with a row due.
"""

import time
import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from dispatcher.heads import promote_heads
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
    """A leased delivery: one attempt that this process may make until the lease ends."""

    delivery_id: uuid.UUID
    event_id: uuid.UUID
    claim_no: int  # the fence: what this claim records counts only while the row still carries it
    attempt_id: uuid.UUID
    attempt_number: int  # from 1
    reclaimed: bool  # the lease of another claim ran out before
    by_hand: bool  # a resend that somebody asked for
    endpoint: ClaimedEndpoint
    event: EventFacts | None  # None where the event is gone
    claimed_at: float  # time.monotonic() before the claim was asked for
    claimed_epoch: float  # the database's clock at the claim, Unix seconds
    lease_ends_at: float  # time.monotonic(); never later than the end by the database's clock

    def now_epoch(self) -> float:
        """The database's clock now, Unix seconds: this machine's own clock may be wrong."""
        return self.claimed_epoch + (time.monotonic() - self.claimed_at)


# So many endpoints are served by one claim: among R that are ready each is served within R / 64 claims.
LANES_PER_CLAIM = 64


def claim_due_deliveries(
    *, limit: int, lease_for: timedelta, lease_owner: uuid.UUID, lanes: int = LANES_PER_CLAIM
) -> list[Claim]:
    """Lease up to `limit` due deliveries of up to `lanes` endpoints; requires a transaction.

    Locks are only ever taken with SKIP LOCKED, so a claim waits for nobody. Rows whose lease ran out come
    first, and an attempt `unknown` is written for the claim that vanished. The leases hold from the commit.
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
        ended: list[tuple[uuid.UUID, str]] = []
        for endpoint_id, unleased, order_keys in fetch_all(
            _SQL["cancel_of_disabled"], {"endpoint_ids": disabled, "share": share}
        ):
            changes[endpoint_id] -= unleased
            ended += [(endpoint_id, order_key) for order_key in order_keys or ()]
        promote_heads(ended)
    rows = fetch_all(
        _SQL["lease_deliveries"],
        {"endpoint_ids": list(endpoints), "share": share, "lease": lease_for, "lease_owner": lease_owner},
    )
    claims = [
        _claim(row, endpoints, claimed_at=claimed_at, claimed_epoch=ready[0][6], lease_for=lease_for)
        for row in rows
    ]
    # A re-claim of an expired lease leaves the lane's count as it was: that row was counted already.
    changes.update(claim.endpoint.id for claim in claims if not claim.reclaimed)
    execute(
        _SQL["schedule_lanes"],
        {"endpoint_ids": list(endpoints), "changes": [changes[endpoint_id] for endpoint_id in endpoints]},
    )
    return claims


def postpone_next_lane() -> uuid.UUID | None:
    """Put off the lane that is next in line by half a minute, for a claim of it fails; requires a transaction."""
    rows = fetch_all(_SQL["postpone_lane"], {})
    return rows[0][0] if rows else None


def _claim(
    row: tuple[Any, ...],
    endpoints: dict[uuid.UUID, ClaimedEndpoint],
    *,
    claimed_at: float,
    claimed_epoch: float,
    lease_for: timedelta,
) -> Claim:
    (delivery_id, endpoint_id, event_id, claim_no, attempts, attempt_id, *rest) = row
    was_leased, by_hand, owner, type_, object_id, data, request_id, idempotency_key = rest
    return Claim(
        delivery_id=delivery_id,
        event_id=event_id,
        claim_no=claim_no,
        attempt_id=attempt_id,
        attempt_number=attempts,
        reclaimed=was_leased,
        by_hand=by_hand,
        endpoint=endpoints[endpoint_id],
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
