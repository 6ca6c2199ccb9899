"""The claim protocol: every step that a process, the network or time may take next."""

from collections.abc import Iterator
from typing import NamedTuple

from tests.model.claiming import Claiming
from tests.model.statements import merged
from tests.model.tables import (
    NEVER,
    Claim,
    Delivery,
    Endpoint,
    Event,
    Faults,
    Key,
    Lane,
    Pending,
    Process,
    Row,
    Setup,
    State,
    Txn,
    aged_claim,
    aged_row,
    aged_touch,
)
from tests.model.views import View

CYCLE = (
    "lock_in_order",
    "record_outcomes",
    "release_leases",
    "fan_out_events",
    "touch_lanes",
    "promote_heads",
    "look_at_lanes",
    "lock_ready_lanes",
    "cancel_of_disabled",
    "promote_headless",
    "give_back_expired",
    "lease_deliveries",
    "schedule_lanes",
    "begin_deliveries",
    "commit",
)
ACTIONS = {
    "record": ("record_event", "commit"),
    "disable": ("update_endpoint", "touch_lanes", "commit"),
    "enable": ("update_endpoint", "touch_lanes", "commit"),
    "resend": ("create_delivery_by_hand", "touch_lanes", "commit"),
    "stop": ("stop_delivery", "touch_lanes", "promote_heads", "commit"),
    "resume": ("resume_order_key", "touch_lanes", "promote_heads", "commit"),
}
STOP_BEHIND_A_HEAD = ("lock_lane", "stop_delivery", "touch_lanes", "promote_heads", "commit")


class Step(NamedTuple):
    """What happened: a statement, something in a process's memory, a fault, or time."""

    name: str
    process: int = -1
    what: str = ""
    fault: str = ""  # the budget that it was taken from
    begins: bool = False  # the API begins something, which it need not
    before: View | None = None  # of a statement
    after: View | None = None


Next = tuple[Step, State]


class Protocol(Claiming):
    """All steps of a setup, as the code takes them."""

    cycle = CYCLE

    def __init__(self, setup: Setup) -> None:
        self.setup = self.changed(setup)

    def changed(self, setup: Setup) -> Setup:
        return setup

    def beginning(self) -> State:
        setup = self.setup
        lane = Lane(circuit_until=-setup.past_of_sends)
        rows: dict[Key, Row] = {}
        for endpoint in range(setup.endpoints):
            rows["endpoint", endpoint] = Endpoint()
            rows["lane", endpoint] = lane
        if setup.recorded:
            for event, key in enumerate(setup.keys):
                rows["event", event] = Event(key)
                rows["pending", event] = Pending()
        processes = (
            *(Process("dispatcher") for _ in range(setup.dispatchers)),
            *(Process("worker") for _ in range(setup.workers)),
            *(Process("api", script=script) for script in setup.scripts),
        )
        passed = (0,) * setup.endpoints if setup.counts_passed_over else ()
        return State(tuple(sorted(rows.items())), processes, setup.faults, passed=passed)

    def steps(self, state: State) -> Iterator[Next]:
        for index, process in enumerate(state.processes):
            if process.txn:
                yield from self._statement(state, index, process.txn)
            elif process.role == "api":
                yield from self._begin_action(state, index)
            else:
                yield from self._in_memory(state, index)
                yield from self._begin_cycle(state, index)
            yield from self._process_fault(state, index)
        yield from self._broker_fault(state)
        yield from self._time(state)

    # --- Transactions ---

    def _begin_cycle(self, state: State, index: int) -> Iterator[Next]:
        """Where nothing would be found, as work_is_waiting.sql tells, nothing is asked."""
        process = state.processes[index]
        if any(claim.phase == "handing" for claim in process.claims):
            return
        settled = tuple(claim for claim in process.claims if claim.phase in {"attempted", "unsent"})
        dispatcher = process.role == "dispatcher"
        room = self.setup.slots - len(process.claims) + len(settled) if dispatcher else 0
        hints = [()] if dispatcher or settled else []
        if not dispatcher and len(process.claims) - len(settled) < self.setup.slots:
            hints += list(state.hints)  # type: ignore[arg-type]
        if dispatcher and not settled and not self._work_is_waiting(state, index, room):
            return
        for hint in hints:
            plan = CYCLE if dispatcher else ("lock_in_order", "record_outcomes", "release_leases")
            if not dispatcher:
                plan = (*plan, "touch_lanes", "promote_heads", "begin_deliveries", "commit")
            txn = Txn("", self.in_order(plan), settled=settled, room=room, hint=hint)
            yield from self._begin(state, index, txn)

    def in_order(self, plan: tuple[str, ...]) -> tuple[str, ...]:
        return plan

    def _work_is_waiting(self, state: State, index: int, room: int) -> bool:
        view = View(self.setup, state, index, Txn("", ()))
        return any(
            key not in view.locked
            and (key[0] == "pending" or (key[0] == "lane" and room > 0 and row[0] <= 0))
            for key, row in state.rows
        )

    def _begin_action(self, state: State, index: int) -> Iterator[Next]:
        script = state.processes[index].script
        if not script:
            return
        action = script[0]
        plan = ACTIONS[action[0]]
        if action[0] == "stop":
            row = dict(state.rows).get(("delivery", *action[1:]))
            if row is None:
                return
            if row[0] == NEVER:
                plan = STOP_BEHIND_A_HEAD
        if action[0] == "resume" and ("stopped", *action[1:]) not in dict(state.rows):
            return
        if action[0] == "resend" and ("event", action[2]) not in dict(state.rows):
            return
        txn = Txn("", plan, action=action)
        for step, after in self._begin(state, index, txn):
            yield step._replace(begins=True), after

    def _begin(self, state: State, index: int, txn: Txn) -> Iterator[Next]:
        """A transaction with its first statement."""
        view = View(self.setup, state, index, txn)
        yield from self._statement(state, index, txn._replace(next=self._following(view)))

    def _statement(self, state: State, index: int, txn: Txn) -> Iterator[Next]:
        if txn.next == "commit":
            yield from self._commit(state, index, txn)
            return
        before = View(self.setup, state, index, txn)
        for after in getattr(self, txn.next)(before.copy()):
            written = after.written()
            written = written._replace(next=self._following(after))
            step = Step(txn.next, index, str(txn.action or ""), before=before, after=after)
            yield step, self._with_txn(state, index, written, after)

    def _with_txn(self, state: State, index: int, txn: Txn, view: View) -> State:
        process = state.processes[index]._replace(txn=txn)
        return _with_process(state._replace(passed=view.passed), index, process)

    def _following(self, view: View) -> str:
        """The next statement of the plan that there is a reason for."""
        txn = view.txn
        start = txn.plan.index(txn.next) + 1 if txn.next else 0
        return next(name for name in txn.plan[start:] if self._is_needed(name, view))

    def _is_needed(self, name: str, view: View) -> bool:
        txn = view.txn
        phases = {claim.phase for claim in txn.settled}
        match name:
            case "lock_in_order":
                return len(phases) == 2
            case "record_outcomes":
                return "attempted" in phases
            case "release_leases":
                return "unsent" in phases
            case "touch_lanes":
                return bool(view.touches)
            case "promote_heads":
                return any(touch.order_keys for touch in view.touches.values())
            case "look_at_lanes":
                return txn.room > 0 and self.setup.looks_before_locking
            case "lock_ready_lanes":
                return txn.room > 0
            case "cancel_of_disabled":
                return bool(txn.disabled)
            case "promote_headless":
                return bool(txn.headless)
            case "give_back_expired":
                return bool(txn.guarded)
            case "lease_deliveries" | "schedule_lanes":
                return bool(txn.lanes)
            case "begin_deliveries":
                return bool(txn.hint)
            case _:
                return True

    def _commit(self, state: State, index: int, txn: Txn) -> Iterator[Next]:
        process = state.processes[index]
        rows = merged(state.rows, txn.writes)
        kept = [claim for claim in process.claims if claim not in txn.settled]
        after = process._replace(
            txn=None,
            claims=tuple(sorted([*kept, *txn.claims])),
            script=process.script[1:],
            front=self.front_after(process, txn),
        )
        hints = tuple(hint for hint in state.hints if hint != txn.hint)
        done = _with_process(state._replace(rows=rows, hints=hints), index, after)
        if self.setup.counts_passed_over:
            done = self._older(done)
        yield Step("commit", index), done
        if process.role != "api" and state.faults.lost_answers:
            unknowing = process._replace(txn=None)
            lost = _with_process(state._replace(rows=rows, hints=hints), index, unknowing)
            yield _fault(lost, Step("commit", index, "its answer is lost"), "lost_answers")
        if txn.hint and state.faults.broker:
            again = done._replace(hints=state.hints)
            yield _fault(again, Step("commit", index, "the hint comes again"), "broker")

    def front_after(self, process: Process, txn: Txn) -> int:
        return process.front

    # --- Memory: the send thread, and what is handed out ---

    def _in_memory(self, state: State, index: int) -> Iterator[Next]:
        for claim in state.processes[index].claims:
            match claim.phase:
                case "held":
                    yield self._send(state, index, claim)
                    if state.faults.drains:
                        drained = _with_claim(state, index, claim, _unsent(claim))
                        yield _fault(drained, Step("give_back", index), "drains")
                case "sending":
                    for outcome in self.setup.answers:
                        answered = claim._replace(
                            phase="attempted", outcome=outcome, lease_left=0, deadline_left=0
                        )
                        yield Step("answer", index, outcome), _with_claim(state, index, claim, answered)
        handing = [claim for claim in state.processes[index].claims if claim.phase == "handing"]
        if handing:
            yield from self._hand_out(state, index, handing)

    def _send(self, state: State, index: int, claim: Claim) -> Next:
        if not self.may_send(claim):
            return Step("give_back", index), _with_claim(state, index, claim, _unsent(claim))
        sending = claim._replace(phase="sending", deadline_left=self.setup.deadline)
        sent = tuple(sorted({*state.sent, (claim.delivery, claim.claim_no)}))
        return Step("send", index), _with_claim(state._replace(sent=sent), index, claim, sending)

    def may_send(self, claim: Claim) -> bool:
        """Deadline and margin fit into what is left of the lease."""
        return claim.lease_left > self.setup.deadline

    def _hand_out(self, state: State, index: int, handing: list[Claim]) -> Iterator[Next]:
        process = state.processes[index]
        kept = tuple(claim for claim in process.claims if claim not in handing)
        hints = tuple(sorted({*state.hints, *((claim.delivery, claim.claim_no) for claim in handing)}))
        handed = _with_process(state, index, process._replace(claims=kept))
        yield Step("hand_out", index), handed._replace(hints=hints)
        if state.faults.broker:
            back = process._replace(claims=tuple(sorted((*kept, *map(_unsent, handing)))))
            refused = _with_process(state, index, back)
            yield _fault(refused, Step("hand_out", index, "the broker is away"), "broker")
            yield _fault(refused._replace(hints=hints), Step("hand_out", index, "it arrived"), "broker")

    # --- Faults, and time ---

    def _process_fault(self, state: State, index: int) -> Iterator[Next]:
        process = state.processes[index]
        if state.faults.crashes and (process.txn or process.claims):
            dead = process._replace(txn=None, claims=(), script=process.script[1:], front=-1)
            yield _fault(_with_process(state, index, dead), Step("crash", index), "crashes")
        if state.faults.aborts and process.txn and process.role != "api":
            rolled_back = _with_process(state, index, process._replace(txn=None))
            yield _fault(rolled_back, Step("rollback", index), "aborts")

    def _broker_fault(self, state: State) -> Iterator[Next]:
        if state.hints and state.faults.broker:
            yield _fault(state._replace(hints=()), Step("flush"), "broker")

    def _time(self, state: State) -> Iterator[Next]:
        """A unit passes; somebody was stalled where that makes a claim too old to be sent, or ends a send's deadline
        or a lease that is still counted on.
        """
        txns = [process.txn for process in state.processes if process.txn]
        if self.setup.counts_passed_over or (txns and not self.setup.time_in_transactions):
            return  # there it passes with every commit
        older = self._older(state)
        if older == state:
            return
        claims = list(_claims(state))
        counted_on = set(state.hints)
        counted_on |= {
            (claim.delivery, claim.claim_no) for claim in claims if claim.phase in {"sending", "attempted"}
        }
        written = [one for txn in txns for one in txn.writes]
        ends = any(
            isinstance(row, Delivery) and row.due_at == 1 and (key, row.attempt_id) in counted_on
            for key, row in [*state.rows, *written]
        )
        late = any(txn.lanes and txn.lease_left == self.setup.deadline + 1 for txn in txns) or any(
            claim.deadline_left == 0
            if claim.phase == "sending"
            else claim.phase in {"held", "handing"} and claim.lease_left == self.setup.deadline + 1
            for claim in claims
        )
        if not (ends or late):
            yield Step("time"), older
        elif state.faults.stalls:
            yield _fault(older, Step("time", what="past a lease or a deadline"), "stalls")

    def _older(self, state: State) -> State:
        setup = self.setup
        return state._replace(
            rows=tuple((key, aged_row(row, setup)) for key, row in state.rows),
            processes=tuple(self._older_process(process) for process in state.processes),
        )

    def _older_process(self, process: Process) -> Process:
        claims = tuple(sorted(aged_claim(claim, self.setup) for claim in process.claims))
        if not process.txn:
            return process._replace(claims=claims) if claims != process.claims else process
        txn = process.txn
        return process._replace(
            claims=claims,
            txn=txn._replace(
                writes=tuple((key, aged_row(row, self.setup)) for key, row in txn.writes),
                settled=tuple(aged_claim(claim, self.setup) for claim in txn.settled),
                lease_left=max(0, txn.lease_left - 1),
                claims=tuple(sorted(aged_claim(claim, self.setup) for claim in txn.claims)),
                touches=tuple((endpoint, aged_touch(touch, self.setup)) for endpoint, touch in txn.touches),
            ),
        )


def _claims(state: State) -> Iterator[Claim]:
    for process in state.processes:
        yield from process.claims
        if process.txn:
            yield from process.txn.claims


def _unsent(claim: Claim) -> Claim:
    return claim._replace(phase="unsent", lease_left=0)


def _with_process(state: State, index: int, process: Process) -> State:
    processes = state.processes
    return state._replace(processes=(*processes[:index], process, *processes[index + 1 :]))


def _with_claim(state: State, index: int, before: Claim, after: Claim) -> State:
    process = state.processes[index]
    claims = tuple(sorted(after if claim == before else claim for claim in process.claims))
    return _with_process(state, index, process._replace(claims=claims))


def _fault(state: State, step: Step, kind: str) -> Next:
    left = getattr(state.faults, kind) - 1
    return step._replace(fault=kind), state._replace(faults=Faults._replace(state.faults, **{kind: left}))
