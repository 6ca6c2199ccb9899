"""What a dispatcher has handed out to workers: the leases that none of them is known to have begun."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dispatcher.claims import Claim, Hint
from dispatcher.hints import HINTS_PER_MESSAGE
from outbox.database import fetch_all
from outbox.sql import statements

LOOK_SIZE = 512  # leases asked for at once, so that a look costs no more than a claim
_LOOK_INTERVAL = 0.02
_LAZY_LOOK_INTERVAL = 1.0
_SQL = statements("dispatcher.sql")


@dataclass(frozen=True, slots=True)
class _Lease:
    hint: Hint
    since: float
    ends_at: float


class HandedOut:
    """Caps what waits in the broker, so that no more is claimed than workers take on.

    Kept in memory, and held against PostgreSQL by primary key when there is little room, or when the oldest
    leases have waited long. Times are of time.monotonic().

    Args:
        limit: how many leases may be out that no worker has begun.
        tell: is told when hints go nowhere.
    """

    def __init__(self, limit: int, *, tell: Callable[[str], None]) -> None:
        self._limit = limit
        self._tell = tell
        self._leases: deque[_Lease] = deque()
        self._looked_at = 0.0
        self._last_begun = time.monotonic()  # when one was last seen to have been begun
        self._unheard = False

    def __len__(self) -> int:
        return len(self._leases)

    @property
    def room(self) -> int:
        """How many more may be handed out. While no worker follows, a message at a time: each costs a lease,
        and the broker would only fill with messages that are out of date when somebody reads them."""
        limit = min(self._limit, HINTS_PER_MESSAGE) if self._unheard else self._limit
        return max(0, limit - len(self._leases))

    def add(self, claims: Sequence[Claim]) -> None:
        now = time.monotonic()
        self._leases.extend(
            _Lease(
                Hint(delivery_id=claim.delivery_id, claim_no=claim.claim_no),
                since=now,
                ends_at=claim.lease.ends_at,
            )
            for claim in claims
        )

    def look(self) -> None:
        """Forget what was begun, has ended or ran out; at most one statement, which commits by itself."""
        now = time.monotonic()
        self._forget_ended(now)
        if not self._leases or now - self._looked_at < self._interval(now):
            return
        self._looked_at = now
        asked = [self._leases.popleft() for _ in range(min(LOOK_SIZE, len(self._leases)))]
        standing = unbegun([lease.hint for lease in asked])
        # To the end: what a broker has lost must not hide what workers begin.
        self._leases.extend(lease for lease in asked if lease.hint in standing)
        if len(standing) < len(asked):
            self._last_begun = now
            self._unheard = False

    def _interval(self, now: float) -> float:
        oldest = self._leases[0]
        if self.room < self._limit // 2:
            return _LOOK_INTERVAL
        return _LAZY_LOOK_INTERVAL if now - oldest.since > (oldest.ends_at - oldest.since) / 2 else 3600.0

    def _forget_ended(self, now: float) -> None:
        if not any(lease.ends_at <= now for lease in self._leases):
            return
        ended = [lease for lease in self._leases if lease.ends_at <= now]
        self._leases = deque(lease for lease in self._leases if lease.ends_at > now)
        if not self._unheard and self._last_begun < min(lease.since for lease in ended):
            self._unheard = True
            self._tell(
                f"no worker began what was handed out within its lease ({len(ended)} deliveries); they are "
                "claimed again, a message at a time until one is begun; is run_worker up, on this broker?"
            )


def unbegun(hints: Sequence[Hint]) -> set[Hint]:
    """Which of these claims stand and were begun by no worker. One statement, joins an open transaction."""
    rows = fetch_all(_SQL["unbegun_leases"], {"delivery_ids": [hint.delivery_id for hint in hints]})
    standing = {Hint(delivery_id=delivery_id, claim_no=claim_no) for delivery_id, claim_no in rows}
    return standing.intersection(hints)
