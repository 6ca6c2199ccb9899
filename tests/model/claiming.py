"""The statements of a claim, and a worker's begin."""

from collections.abc import Iterator
from itertools import combinations, product

from tests.model.statements import Found, Statements, Views, first
from tests.model.tables import NEVER, Claim, Delivery, Key, Lane
from tests.model.views import View


class Claiming(Statements):
    """What stands in dispatcher/claims.py; a mutant overrides one method."""

    # --- Lanes ---

    def look_at_lanes(self, view: View) -> Views:
        """The snapshot of lock_ready_lanes, which is older than its locks."""
        view.set(seen=tuple(view.state.rows))
        yield view

    def lock_ready_lanes(self, view: View) -> Views:
        """A lane that changed since the snapshot is looked at again; its endpoint is not."""
        setup = view.setup
        seen = dict(view.txn.seen) or view.rows
        ready = [
            endpoint
            for endpoint in range(setup.endpoints)
            if ("lane", endpoint) not in view.locked
            and view.lane(endpoint).ready_at <= 0
            and seen["lane", endpoint][0] <= 0
        ]
        for lanes in self._longest_ready(view, ready):
            after = view.copy()
            for endpoint in lanes:
                after.lock(("lane", endpoint))
            disabled = tuple(endpoint for endpoint in lanes if not seen["endpoint", endpoint][0])
            guarded = tuple(
                endpoint
                for endpoint in lanes
                if endpoint not in disabled and view.lane(endpoint).circuit_openings > 0
            )
            after.set(lanes=lanes, disabled=disabled, guarded=guarded, seen=(), lease_left=setup.lease)
            if setup.counts_passed_over:
                after.passed = tuple(
                    0 if endpoint in lanes or endpoint not in ready else passed + 1
                    for endpoint, passed in enumerate(view.passed)
                )
            yield after

    def _longest_ready(self, view: View, ready: list[int]) -> Iterator[tuple[int, ...]]:
        """ORDER BY ready_at LIMIT lanes: each choice there may be among those that are ready since one moment."""
        limit = min(view.setup.lanes_per_claim, view.txn.room, len(ready))
        moments = sorted(view.lane(endpoint).ready_at for endpoint in ready)
        for lanes in combinations(ready, limit):
            if sorted(view.lane(endpoint).ready_at for endpoint in lanes) == moments[:limit]:
                yield lanes

    # --- What ends, and what is given back ---

    def cancel_of_disabled(self, view: View) -> Views:
        changes = dict(view.txn.changes)
        headless = set()
        for endpoint in view.txn.disabled:
            if not self.is_still_disabled(view, endpoint):
                continue
            for key, row in view.free(endpoint):
                if key[3] == 0 and self.may_cancel(row):
                    self.cancel(view, key, row)
                    changes[endpoint] = changes.get(endpoint, 0) - row.leased
                    order_key = view.order_key(key)
                    if order_key is not None:
                        headless.add((endpoint, order_key))
        view.set(changes=tuple(sorted(changes.items())), headless=tuple(sorted(headless)))
        yield view

    def is_still_disabled(self, view: View, endpoint: int) -> bool:
        """Under the lane's lock, with a snapshot that is younger than the lock."""
        return not view.enabled(endpoint)

    def may_cancel(self, row: Delivery) -> bool:
        return row.due_at <= 0

    def cancel(self, view: View, key: Key, row: Delivery) -> None:
        view.finish(key, row, "cancelled", attempts=row.attempts - (row.leased and not row.started))
        view.write_unknown(key, row)

    def give_back_expired(self, view: View) -> Views:
        changes = dict(view.txn.changes)
        for endpoint in view.txn.guarded:
            for key, row in view.free(endpoint):
                if row.leased and key[3] == 0 and row.due_at <= 0:
                    self.write_vanished(view, key, row)
                    attempts = row.attempts - (not row.started)
                    view.put(key, Delivery(row.due_at, row.claim_no, attempts=attempts))
                    changes[endpoint] = changes.get(endpoint, 0) - 1
        view.set(changes=tuple(sorted(changes.items())))
        yield view

    def write_vanished(self, view: View, key: Key, row: Delivery) -> None:
        view.write_unknown(key, row)

    # --- Rows ---

    def lease_deliveries(self, view: View) -> Views:
        lanes = view.txn.lanes
        share = max(1, view.txn.room // len(lanes))
        ways = product(*(list(self.picked(view, endpoint, share)) for endpoint in lanes))
        for way in ways:
            after = view.copy()
            for endpoint, (expired, waiting) in zip(lanes, way, strict=True):
                for key, row in [*expired, *waiting]:
                    self.lease(after, key, row)
                self.count(after, endpoint, expired=len(expired), waiting=len(waiting))
            yield after

    def picked(self, view: View, endpoint: int, share: int) -> list[tuple[Found, Found]]:
        """From one lane: rows whose lease ran out, and waiting ones."""
        found = self.visible(view, endpoint)
        automatic = self.permitted(view, endpoint)
        expired = [
            (key, row)
            for key, row in found
            if row.leased and row.due_at <= 0 and (key[3] or self.may_reclaim(view, endpoint))
        ]
        due = [(key, row) for key, row in found if not row.leased and row.due_at <= 0]
        room = self.room(view, endpoint, share)
        ways: list[tuple[Found, Found]] = []
        for lost in first(min(share, view.setup.cap), expired):
            for by_hand in first(room, [one for one in due if one[0][3]]):
                for rest in first(min(room, automatic), [one for one in due if not one[0][3]]):
                    waiting = [*by_hand, *rest][:room]
                    ways.append((lost, waiting[: max(0, share - len(lost))]))
        return ways

    def visible(self, view: View, endpoint: int) -> Found:
        """In a snapshot that is younger than the lane's lock."""
        return view.free(endpoint)

    def room(self, view: View, endpoint: int, share: int) -> int:
        return max(0, min(share, view.setup.cap - view.lane(endpoint).in_flight))

    def may_reclaim(self, view: View, endpoint: int) -> bool:
        return view.enabled(endpoint) and view.lane(endpoint).circuit_openings == 0

    def permitted(self, view: View, endpoint: int) -> int:
        """How many automatic deliveries hold and circuit let go."""
        lane = view.lane(endpoint)
        if self.is_held(lane) or not view.enabled(endpoint):
            return 0
        if lane.circuit_openings > 0:
            return 1 if lane.circuit_until <= 0 and not view.probing(endpoint) else 0
        return view.setup.cap

    def is_held(self, lane: Lane) -> bool:
        return lane.hold_until > 0

    def lease(self, view: View, key: Key, row: Delivery) -> None:
        begun = view.setup.workers == 0
        if row.leased:
            self.write_vanished(view, key, row)
        claim_no = self.next_claim_no(row)
        attempts = row.attempts + (not row.leased or row.started)
        view.put(key, Delivery(view.setup.lease, claim_no, claim_no, begun, attempts))
        claim = Claim(
            delivery=key,
            claim_no=claim_no,
            number=attempts,
            begun=begun,
            phase="held" if begun else "handing",
            lease_left=self.lease_of(view),
        )
        view.set(claims=tuple(sorted((*view.txn.claims, claim))))

    def next_claim_no(self, row: Delivery) -> int:
        return row.claim_no + 1

    def lease_of(self, view: View) -> int:
        """Reckoned from before the claim was asked for."""
        return view.txn.lease_left

    def count(self, view: View, endpoint: int, *, expired: int, waiting: int) -> None:
        """A re-claim leaves the lane's count as it was."""
        changes = dict(view.txn.changes)
        changes[endpoint] = changes.get(endpoint, 0) + waiting
        view.set(changes=tuple(sorted(changes.items())))

    def schedule_lanes(self, view: View) -> Views:
        for endpoint in view.txn.lanes:
            lane = view.lane(endpoint)
            lane = lane._replace(in_flight=lane.in_flight + dict(view.txn.changes).get(endpoint, 0))
            view.put(("lane", endpoint), lane)
            moments = self.moments(view, endpoint)
            view.put(
                ("lane", endpoint), lane._replace(ready_at=self.behind_those_that_wait(view, min(moments)))
            )
        yield view

    def moments(self, view: View, endpoint: int) -> list[int]:
        """When something is permitted: a lease's end, or below the cap what waits."""
        lane, rows = view.lane(endpoint), list(self.scheduled(view, endpoint))
        moments = [NEVER, *(row.due_at for _, row in rows if row.leased)]
        if lane.in_flight < view.setup.cap or not view.enabled(endpoint):
            moments += [row.due_at for key, row in rows if not row.leased and key[3]]
            permitted_at = view.permitted_at(endpoint) if view.enabled(endpoint) else -NEVER
            moments += [max(row.due_at, permitted_at) for key, row in rows if not row.leased and not key[3]]
        return moments

    def scheduled(self, view: View, endpoint: int) -> Found:
        return list(view.deliveries(endpoint))

    def behind_those_that_wait(self, view: View, moment: int) -> int:
        """greatest(clock_timestamp(), …): later than all that is ready, where that is told apart."""
        return max(1 if view.setup.counts_passed_over else 0, moment)

    # --- A worker's ---

    def begin_deliveries(self, view: View) -> Views:
        key, claim_no = view.txn.hint
        row = view.delivery(key)
        if row is not None and key not in view.locked and self.may_begin(view, key, row, claim_no):
            view.put(key, row._replace(due_at=view.setup.lease, started=True))
            claim = Claim(
                delivery=key,
                claim_no=row.claim_no,
                number=row.attempts,
                begun=True,
                lease_left=view.setup.lease,
            )
            view.set(claims=(claim,))
        yield view

    def may_begin(self, view: View, key: Key, row: Delivery, claim_no: int) -> bool:
        return (
            row.claim_no == claim_no
            and row.attempt_id > 0
            and not row.started
            and row.due_at > 0
            and (key[3] > 0 or view.enabled(key[1]))
        )
