"""The statements of a transaction, each named as its file in dispatcher/sql/ or the function that runs it.

A statement takes a view and yields it as it is afterwards, once for each way it may go; it yields nothing while it
waits for somebody's lock. Times are from now: what was `statement_timestamp()` is 0.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from tests.model.tables import (
    NEVER,
    Attempt,
    Claim,
    Delivery,
    Endpoint,
    Event,
    Finished,
    Key,
    Lane,
    Pending,
    Row,
    Rows,
    Stopped,
    Touch,
)
from tests.model.views import View

Views = Iterator[View]
Found = Sequence[tuple[Key, Delivery]]


class Statements:
    """What dispatchers, workers and the API do in transactions. A mutant overrides one method."""

    # --- Recording ---

    def stands(self, view: View, claim: Claim) -> bool:
        """The fence of record_outcomes."""
        row = view.delivery(claim.delivery)
        return row is not None and row.claim_no == claim.claim_no and row.attempt_id == claim.claim_no

    def may_release(self, view: View, claim: Claim) -> bool:
        """The fence of release_leases: the attempt is minted by the claim, and nobody else has begun it."""
        row = view.delivery(claim.delivery)
        return row is not None and row.attempt_id == claim.claim_no and row.started == claim.begun

    def lock_in_order(self, view: View) -> Views:
        yield from self._lock_settled(view, view.txn.settled)

    def record_outcomes(self, view: View) -> Views:
        attempted = [claim for claim in view.txn.settled if claim.phase == "attempted"]
        for after in self._lock_settled(view, attempted):
            for claim in attempted:
                self.record_one(after, claim)
            yield after

    def record_one(self, view: View, claim: Claim) -> None:
        row = view.delivery(claim.delivery)
        stood = self.stands(view, claim)
        outcome = "succeeded" if claim.outcome == "succeeded" else "failed"
        self.insert_attempt(view, claim, Attempt(outcome, superseded=not stood))
        if not stood or row is None:
            return
        endpoint = claim.delivery[1]
        if claim.outcome == "succeeded" or claim.number >= view.setup.max_attempts:
            ending = "succeeded" if claim.outcome == "succeeded" else "dead_lettered"
            view.finish(claim.delivery, row, ending)
            key = view.order_key(claim.delivery)
            if ending == "dead_lettered" and key is not None and view.setup.stops:
                view.put(("stopped", endpoint, key), Stopped(claim.delivery[2]))
            self.unlease(view, endpoint)
            view.touch_key(claim.delivery)
        else:
            hold = view.setup.hold if claim.outcome == "busy" else 0
            due_at = max(view.setup.retry_after, hold)
            view.put(claim.delivery, row._replace(due_at=due_at, attempt_id=0, started=False))
            self.unlease(view, endpoint)
            view.wake(endpoint, due_at, ignore_hold=claim.by_hand)
        self.judge(view, claim)

    def insert_attempt(self, view: View, claim: Claim, attempt: Attempt) -> None:
        place = ("attempt", *claim.delivery[1:], claim.claim_no)
        before = view.rows.get(place)
        if before is None or before == Attempt("unknown", superseded=True):
            view.put(place, attempt)

    def unlease(self, view: View, endpoint: int) -> None:
        touch = view.touch(endpoint)
        view.touches[endpoint] = touch._replace(unleased=touch.unleased + 1)

    def judge(self, view: View, claim: Claim) -> None:
        """What an attempt tells of its endpoint; one by hand tells nothing."""
        if claim.by_hand:
            return
        touch = view.touch(claim.delivery[1])
        if claim.outcome == "succeeded":
            touch = touch._replace(succeeded=True, failures=0, last_failure_began=-NEVER)
        else:
            began = max(claim.began, touch.last_failure_began)
            touch = touch._replace(failures=touch.failures + 1, last_failure_began=began)
            if claim.outcome == "busy" and claim.number < view.setup.max_attempts:
                touch = touch._replace(hold_for=view.setup.hold)
        view.touches[claim.delivery[1]] = touch

    def release_leases(self, view: View) -> Views:
        unsent = [claim for claim in view.txn.settled if claim.phase == "unsent"]
        for after in self._lock_settled(view, unsent):
            for claim in unsent:
                row = after.delivery(claim.delivery)
                if row is not None and self.may_release(after, claim):
                    after.put(claim.delivery, Delivery(0, row.claim_no, attempts=row.attempts - 1))
                    self.unlease(after, claim.delivery[1])
                    after.wake(claim.delivery[1], 0, ignore_hold=claim.by_hand)
            yield after

    def _lock_settled(self, view: View, claims: Iterable[Claim]) -> Views:
        """FOR UPDATE: wait for the rows, then see what has become of them."""
        keys = {claim.delivery for claim in claims}
        if not keys & view.locked:
            for key in keys:
                view.lock(key)
            yield view

    # --- Fan-out ---

    def fan_out_events(self, view: View) -> Views:
        places = [key for key in view.keys("pending") if key[1] > self.fan_out_after(view)]
        taken = [key for key in places if self.may_take(view, key)]
        left = view.setup.rows_per_fan_out
        for place in taken:
            if self.is_overtaking(view, place, taken):
                continue
            pending = view.rows[place]
            assert isinstance(pending, Pending)
            endpoints = range(pending.fanned_out_to + 1, view.setup.endpoints)
            served = endpoints[:left]
            left -= len(served)
            for endpoint in served:
                if not self.create_delivery(view, endpoint, place[1]):
                    return
            if len(served) == len(endpoints):
                view.delete(place)
            elif served:
                self.keep_pointer(view, place, served[-1])
            if left == 0:
                break
        yield view

    def fan_out_after(self, view: View) -> int:
        """Never a cursor: commit order is not id order."""
        return -1

    def may_take(self, view: View, pointer: Key) -> bool:
        return pointer not in view.locked

    def is_overtaking(self, view: View, pointer: Key, taken: Sequence[Key]) -> bool:
        """Whether an older pointer of its key is with another dispatcher, or is itself behind such a one."""
        if not view.setup.ordered:
            return False
        key = view.setup.keys[pointer[1]]
        older = [one for one in view.keys("pending") if one < pointer and view.setup.keys[one[1]] == key]
        return any(one not in taken for one in older)

    def keep_pointer(self, view: View, pointer: Key, last_served: int) -> None:
        view.put(pointer, Pending(last_served))

    def create_delivery(self, view: View, endpoint: int, event: int) -> bool:
        """False where the insert waits for another one of the same row."""
        key = ("delivery", endpoint, event, 0)
        if key in view.locked:
            return False
        if not view.enabled(endpoint):
            before = view.rows.get(("finished", *key[1:]))
            times = before.times if isinstance(before, Finished) else 0
            view.put(("finished", *key[1:]), Finished("skipped", 0, times + 1))
        elif key not in view.rows:
            view.put(key, Delivery(NEVER if view.setup.ordered else 0))
            if view.setup.ordered:
                view.touch_key(key)
            else:
                view.wake(endpoint, 0)
        return True

    # --- Lanes ---

    def touch_lanes(self, view: View) -> Views:
        """touch_lanes.sql, or judge_lanes.sql where automatic attempts failed."""
        if any(("lane", endpoint) in view.locked for endpoint in view.touches):
            return
        for endpoint, touch in view.touches.items():
            view.put(("lane", endpoint), self.touched(view, view.lane(endpoint), touch))
        yield view

    def touched(self, view: View, lane: Lane, touch: Touch) -> Lane:
        hold_until = max(lane.hold_until, touch.hold_for)
        openings, until = lane.circuit_openings, lane.circuit_until
        ever = -view.setup.past_of_sends  # '-infinity'
        if touch.succeeded:
            openings, until = 0, ever
        opens = (
            touch.failures > 0
            and view.setup.circuit
            and (openings == 0 or touch.last_failure_began >= lane.circuit_until)
        )
        if opens:
            openings, until = min(2, openings + 1), view.setup.pause
        ends_probe = self.ends_probe(lane, touch, openings)
        in_flight = lane.in_flight - touch.unleased
        wakes = [lane.ready_at, touch.whatever_holds_at]
        if self.wakes_below_cap(view) and lane.in_flight >= view.setup.cap > in_flight:
            wakes.append(0)
        if touch.wake_at < NEVER or ends_probe:
            wakes.append(max(0 if ends_probe else touch.wake_at, hold_until, until))
        return Lane(min(wakes), in_flight, hold_until, openings, until)

    def ends_probe(self, lane: Lane, touch: Touch, openings: int) -> bool:
        """What waits behind a probe was not woken for it."""
        if touch.failures:
            return (lane.circuit_openings > 0 and touch.succeeded) or (openings > 0 and touch.unleased > 0)
        return (touch.succeeded or touch.unleased > 0) and lane.circuit_openings > 0

    def wakes_below_cap(self, view: View) -> bool:
        return True

    def promote_heads(self, view: View) -> Views:
        pairs = [(endpoint, key) for endpoint, touch in view.touches.items() for key in touch.order_keys]
        yield from self.promote(view, pairs)

    def promote_headless(self, view: View) -> Views:
        """promote_heads of a claim, after cancel_of_disabled."""
        yield from self.promote(view, view.txn.headless)

    def promote(self, view: View, pairs: Iterable[tuple[int, int]]) -> Views:
        for endpoint, order_key in pairs:
            live = [key for key, _ in view.deliveries(endpoint) if view.order_key(key) == order_key]
            row = view.delivery(live[0]) if live else None
            if row is None or row.due_at != NEVER or ("stopped", endpoint, order_key) in view.rows:
                continue
            if live[0] in view.locked:
                return
            view.put(live[0], row._replace(due_at=0))
            lane = view.lane(endpoint)
            ready_at = min(lane.ready_at, max(0, lane.hold_until, lane.circuit_until))
            view.put(("lane", endpoint), lane._replace(ready_at=ready_at))
        yield view

    # --- The API's ---

    def record_event(self, view: View) -> Views:
        event = view.txn.action[1]
        view.put(("event", event), Event(view.setup.keys[event]))
        view.put(("pending", event), Pending())
        yield view

    def update_endpoint(self, view: View) -> Views:
        """Disable or enable; a lane begins anew, and is looked at whatever holds it."""
        what, endpoint = view.txn.action
        if ("endpoint", endpoint) in view.locked or ("lane", endpoint) in view.locked:
            return
        view.put(("endpoint", endpoint), Endpoint(what == "enable"))
        if what == "enable":
            until = -view.setup.past_of_sends
            view.put(
                ("lane", endpoint), view.lane(endpoint)._replace(circuit_openings=0, circuit_until=until)
            )
        view.wake(endpoint, 0, ignore_hold=True)
        yield view

    def create_delivery_by_hand(self, view: View) -> Views:
        _, endpoint, event = view.txn.action
        if ("endpoint", endpoint) in view.locked:
            return
        view.lock(("endpoint", endpoint))
        view.put(("delivery", endpoint, event, 1), Delivery(0))
        view.wake(endpoint, 0, ignore_hold=True)
        yield view

    def stop_delivery(self, view: View) -> Views:
        key = ("delivery", *view.txn.action[1:])
        row = view.delivery(key)
        if key in view.locked:
            return
        if row is not None and (row.due_at == NEVER) == (view.txn.plan[0] == "lock_lane"):
            attempts = row.attempts - (row.leased and not row.started)
            view.finish(key, row, "stopped", attempts=attempts)
            view.write_unknown(key, row)
            if row.leased:
                self.unlease(view, key[1])
            view.touches.setdefault(key[1], Touch())
            view.touch_key(key)
        yield view

    def lock_lane(self, view: View) -> Views:
        """A touch that owes the lane nothing yet: what waits behind a head is changed under its lane's lock."""
        if ("lane", view.txn.action[1]) not in view.locked:
            view.lock(("lane", view.txn.action[1]))
            yield view

    def resume_order_key(self, view: View) -> Views:
        _, endpoint, order_key = view.txn.action
        if ("stopped", endpoint, order_key) in view.locked:
            return
        if ("stopped", endpoint, order_key) in view.rows:
            view.delete(("stopped", endpoint, order_key))
            view.touches[endpoint] = Touch(order_keys=(order_key,))
        yield view


def first(limit: int, found: Found) -> Iterator[Found]:
    """ORDER BY due_at LIMIT: each choice there may be among rows that are due at one moment."""
    ordered = sorted(found, key=lambda one: one[1].due_at)
    if limit >= len(ordered):
        yield ordered
    elif limit <= 0:
        yield []
    else:
        edge = ordered[limit - 1][1].due_at
        sure = [one for one in ordered if one[1].due_at < edge]
        tied = [one for one in ordered if one[1].due_at == edge]
        for some in combinations(tied, limit - len(sure)):
            yield [*sure, *some]


def merged(rows: Rows, writes: Rows) -> Rows:
    """What is committed after a transaction."""
    after: dict[Key, Row] = dict(rows)
    for key, row in writes:
        if row:
            after[key] = row
        else:
            after.pop(key, None)
    return tuple(sorted(after.items()))
