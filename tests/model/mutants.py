"""The protocol with one step done wrong, and what must notice it."""

from collections.abc import Iterator, Sequence

from tests.model.protocol import Next, Protocol
from tests.model.statements import Found, Views
from tests.model.tables import (
    NEVER,
    Attempt,
    Claim,
    Delivery,
    Event,
    Key,
    Lane,
    Pending,
    Process,
    Setup,
    State,
    Touch,
    Txn,
)
from tests.model.views import View


class Mutant(Protocol):
    """The docstring says what is done wrong."""

    caught_by: str  # an invariant
    scenario: str


class AcknowledgedById(Mutant):
    """record_outcomes asks for the delivery's id alone."""

    caught_by, scenario = "I5", "leases"

    def stands(self, view: View, claim: Claim) -> bool:
        return view.delivery(claim.delivery) is not None


class FencedByNumberAlone(Mutant):
    """record_outcomes asks for the claim's number, not for its attempt: a row that was rescheduled keeps the number."""

    caught_by, scenario = "I5", "lost answers"

    def stands(self, view: View, claim: Claim) -> bool:
        row = view.delivery(claim.delivery)
        return row is not None and row.claim_no == claim.claim_no


class ReleasedById(Mutant):
    """release_leases asks for the delivery's id alone."""

    caught_by, scenario = "I5", "leases"

    def may_release(self, view: View, claim: Claim) -> bool:
        row = view.delivery(claim.delivery)
        return row is not None and row.leased


class ReleasedThoughBegun(Mutant):
    """release_leases does not look whether a worker has begun in the meantime."""

    caught_by, scenario = "I13", "workers"

    def may_release(self, view: View, claim: Claim) -> bool:
        row = view.delivery(claim.delivery)
        return row is not None and row.attempt_id == claim.claim_no


class RecordedAfterRelease(Mutant):
    """What was sent is given back first and recorded then."""

    caught_by, scenario = "I13", "leases"

    def record_outcomes(self, view: View) -> Views:
        for claim in view.txn.settled:
            row = view.delivery(claim.delivery)
            if row is not None and self.may_release(view, claim):
                view.put(claim.delivery, Delivery(0, row.claim_no, attempts=row.attempts - 1))
                self.unlease(view, claim.delivery[1])
                view.wake(claim.delivery[1], 0)
        yield from super().record_outcomes(view)


class AttemptInsertedTwice(Mutant):
    """Attempts are inserted without ON CONFLICT."""

    caught_by, scenario = "I13", "leases"

    def insert_attempt(self, view: View, claim: Claim, attempt: Attempt) -> None:
        place = ("attempt", *claim.delivery[1:], claim.claim_no)
        before = view.rows.get(place)
        times = before.times if isinstance(before, Attempt) else 0
        view.put(place, attempt._replace(times=times + 1))


class InFlightKept(Mutant):
    """A record does not take the lease from its lane's count."""

    caught_by, scenario = "I7", "leases"

    def unlease(self, view: View, endpoint: int) -> None:
        view.touches.setdefault(endpoint, Touch())


class ReclaimCountedAgain(Mutant):
    """A claim of an expired lease raises in_flight, though the row was counted."""

    caught_by, scenario = "I7", "leases"

    def count(self, view: View, endpoint: int, *, expired: int, waiting: int) -> None:
        super().count(view, endpoint, expired=0, waiting=expired + waiting)


class CapNotLookedAt(Mutant):
    """A claim takes its share whatever is in flight."""

    caught_by, scenario = "I7", "cap"

    def room(self, view: View, endpoint: int, share: int) -> int:
        return share


class ClaimNumberKept(Mutant):
    """A re-claim keeps the claim number."""

    caught_by, scenario = "I4", "leases"

    def next_claim_no(self, row: Delivery) -> int:
        return max(1, row.claim_no)


class VanishedNotWritten(Mutant):
    """A re-claim writes no attempt for the claim that vanished."""

    caught_by, scenario = "I13", "leases"

    def write_vanished(self, view: View, key: Key, row: Delivery) -> None:
        pass


class LeaseShorterThanDeadline(Mutant):
    """A send may take longer than its lease."""

    caught_by, scenario = "I12", "leases"

    def changed(self, setup: Setup) -> Setup:
        return setup._replace(deadline=3)

    def may_send(self, claim: Claim) -> bool:
        return claim.lease_left > 0


class SentLate(Mutant):
    """What is left of the lease is not looked at before a send."""

    caught_by, scenario = "I12", "leases"

    def may_send(self, claim: Claim) -> bool:
        return True


class LeaseFromItsAnswer(Mutant):
    """A process reckons its lease from the claim's answer, not from before the claim."""

    caught_by, scenario = "I12", "clock"

    def _commit(self, state: State, index: int, txn: Txn) -> Iterator[Next]:
        claims = tuple(claim._replace(lease_left=self.setup.lease) for claim in txn.claims)
        yield from super()._commit(state, index, txn._replace(claims=claims))


class LaneAsleepInOneStatement(Mutant):
    """Lanes are locked and deliveries read with one snapshot."""

    caught_by, scenario = "I3", "recorders"

    def changed(self, setup: Setup) -> Setup:
        return setup._replace(looks_before_locking=True)

    def lock_ready_lanes(self, view: View) -> Views:
        seen = view.txn.seen
        for after in super().lock_ready_lanes(view):
            after.set(seen=seen)
            yield after

    def visible(self, view: View, endpoint: int) -> Found:
        return [(key, row) for key, row in super().visible(view, endpoint) if key in dict(view.txn.seen)]

    def scheduled(self, view: View, endpoint: int) -> Found:
        return [(key, row) for key, row in super().scheduled(view, endpoint) if key in dict(view.txn.seen)]


class LeasesNotScheduled(Mutant):
    """schedule_lanes looks at what waits, not at the leases' ends."""

    caught_by, scenario = "I3", "leases"

    def scheduled(self, view: View, endpoint: int) -> Found:
        return [(key, row) for key, row in super().scheduled(view, endpoint) if not row.leased]


class ServedLaneFirstAgain(Mutant):
    """schedule_lanes without `greatest` with the clock."""

    caught_by, scenario = "I8", "fairness"

    def behind_those_that_wait(self, view: View, moment: int) -> int:
        return moment


class NotWokenBelowCap(Mutant):
    """A lane that leaves its cap is not woken."""

    caught_by, scenario = "I3", "cap"

    def wakes_below_cap(self, view: View) -> bool:
        return False


class HoldNotLookedAt(Mutant):
    """A lane is woken and claimed from as if there were no hold."""

    caught_by, scenario = "held", "holds"

    def is_held(self, lane: Lane) -> bool:
        return False


class HandWaitsForHold(Mutant):
    """A resend wakes its lane no earlier than the hold's end."""

    caught_by, scenario = "I3", "holds by hand"

    def create_delivery_by_hand(self, view: View) -> Views:
        for after in super().create_delivery_by_hand(view):
            after.touches[after.txn.action[1]] = Touch(wake_at=0)
            yield after


class HandJudged(Mutant):
    """A resend that fails counts against its endpoint."""

    caught_by, scenario = "by hand", "circuit by hand"

    def judge(self, view: View, claim: Claim) -> None:
        super().judge(view, claim._replace(delivery=(*claim.delivery[:3], 0)))


class ProbeEndsInSilence(Mutant):
    """The end of a probe does not wake what waits behind it."""

    caught_by, scenario = "I3", "circuit"

    def ends_probe(self, lane: Lane, touch: Touch, openings: int) -> bool:
        return False


class AllReclaimedWhileOpen(Mutant):
    """Leases that ran out are claimed again though the circuit is not closed."""

    caught_by, scenario = "held", "circuit and crash"

    def give_back_expired(self, view: View) -> Views:
        yield view

    def may_reclaim(self, view: View, endpoint: int) -> bool:
        return view.enabled(endpoint)


class CancelledBeforeLeaseEnds(Mutant):
    """cancel_of_disabled takes rows whose lease is good."""

    caught_by, scenario = "I4", "disabling"

    def may_cancel(self, row: Delivery) -> bool:
        return True


class CancelledByAnOldFlag(Mutant):
    """cancel_of_disabled trusts what the statement that locked the lanes had seen before it locked them."""

    caught_by, scenario = "disabled", "disabling"

    def is_still_disabled(self, view: View, endpoint: int) -> bool:
        return True


class CancelledWithoutNextHead(Mutant):
    """cancel_of_disabled ends a head and makes no other due."""

    caught_by, scenario = "I10", "disabling with order"

    def promote_headless(self, view: View) -> Views:
        yield view


class CursorById(Mutant):
    """Fan-out goes on behind the youngest event it has seen."""

    caught_by, scenario = "I10", "recorders"

    def changed(self, setup: Setup) -> Setup:
        return setup._replace(dispatchers=1)

    def fan_out_after(self, view: View) -> int:
        return view.process.front

    def front_after(self, process: Process, txn: Txn) -> int:
        fanned_out: list[int] = [key[1] for key, _ in txn.writes if key[0] == "pending"]
        return max([process.front, *fanned_out])


class EndedAndKept(Mutant):
    """A delivery ends, and its live row is unleased instead of removed."""

    caught_by, scenario = "I6", "leases"

    def record_one(self, view: View, claim: Claim) -> None:
        row = view.delivery(claim.delivery)
        super().record_one(view, claim)
        if row is not None and claim.delivery not in view.rows:
            view.put(claim.delivery, row._replace(due_at=NEVER, attempt_id=0, started=False))


class PointerGoneAfterFirstChunk(Mutant):
    """A pointer is deleted before the last of its endpoints was served."""

    caught_by, scenario = "I2", "chunks"

    def keep_pointer(self, view: View, pointer: Key, last_served: int) -> None:
        view.delete(pointer)


class EventWithoutPointer(Mutant):
    """The event commits first and its pointer in a transaction of its own."""

    caught_by, scenario = "I2", "recorders"

    def record_event(self, view: View) -> Views:
        event = view.txn.action[1]
        view.put(("event", event), Event(view.setup.keys[event]))
        yield view


class PointerWithoutEvent(Mutant):
    """The pointer commits first and its event in a transaction of its own."""

    caught_by, scenario = "I1", "recorders"

    def record_event(self, view: View) -> Views:
        view.put(("pending", view.txn.action[1]), Pending())
        yield view


class KeyOvertaken(Mutant):
    """Fan-out takes a pointer though an older one of its key is with another dispatcher."""

    caught_by, scenario = "I9", "order"

    def is_overtaking(self, view: View, pointer: Key, taken: Sequence[Key]) -> bool:
        return False

    def changed(self, setup: Setup) -> Setup:
        return setup._replace(recorded=False, scripts=((("record", 0), ("record", 1)),))


class HeadsBeforeLanes(Mutant):
    """Heads are looked for before the lanes are locked."""

    caught_by, scenario = "I10", "order and stop"

    def in_order(self, plan: tuple[str, ...]) -> tuple[str, ...]:
        names = [name for name in plan if name != "promote_heads"]
        names.insert(names.index("touch_lanes"), "promote_heads")
        return tuple(names)


class BegunTwice(Mutant):
    """A hint begins its delivery whoever has begun it already."""

    caught_by, scenario = "I4", "workers"

    def may_begin(self, view: View, key: Key, row: Delivery, claim_no: int) -> bool:
        return row.claim_no == claim_no and row.leased


class BegunByAnOldHint(Mutant):
    """A hint begins its delivery whatever its claim number is."""

    caught_by, scenario = "I4", "workers"

    def may_begin(self, view: View, key: Key, row: Delivery, claim_no: int) -> bool:
        return row.leased and not row.started and row.due_at > 0


class LanesBeforeDeliveries(Mutant):
    """A dispatcher locks its lanes before its deliveries, the API the other way round."""

    caught_by, scenario = "I10", "stopping"

    def record_outcomes(self, view: View) -> Views:
        lanes = {("lane", claim.delivery[1]) for claim in view.txn.settled}
        if not lanes & view.locked and not lanes & set(view.writes):
            for lane in lanes:
                view.lock(lane)
            view.set(next="", plan=("record_outcomes", *view.txn.plan))
            yield view
        elif lanes & set(view.writes):
            yield from super().record_outcomes(view)


MUTANTS: tuple[type[Mutant], ...] = tuple(Mutant.__subclasses__())
