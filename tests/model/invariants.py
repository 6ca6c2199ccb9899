"""What must hold: in every state, of every statement, and of the whole graph."""

from collections.abc import Iterator

from tests.model.protocol import Step
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
    Setup,
    State,
)
from tests.model.views import View

TITLES = {
    "I1": "an event and its pointer commit together or not at all",
    "I2": "a pointer is gone exactly when all matching deliveries exist, once each",
    "I3": "a lane is ready no later than permitted work is due, or the earliest lease ends",
    "I4": "claim_no only grows, and a lease is taken from nobody before its end",
    "I5": "a stale claim changes no state",
    "I6": "a delivery is live or finished, never both, and finishes once",
    "I7": "in_flight is the number of leased rows, and never above max_in_flight",
    "I8": "a ready lane is served within ⌈lanes / lanes a claim⌉ claims",
    "I9": "one head for each order key, and nothing ends before what is older of its key",
    "I10": "from every state all work can end, without another fault",
    "I12": "a send ends before its lease",
    "I13": "every begun attempt has exactly one row",
    "held": "no automatic delivery is claimed under a hold, or more than one in a half-open circuit",
    "disabled": "only what is due at an endpoint that is disabled is cancelled, and nothing automatic is claimed there",
    "by hand": "what is sent by hand opens no circuit",
}


class Broken(AssertionError):
    """An invariant does not hold."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"{name} ({TITLES[name]}): {what}")
        self.name = name


def check_state(setup: Setup, state: State) -> None:
    """Of what is committed, and of the sends under way."""
    tables = Tables(state)
    for endpoint, lane in tables.lanes.items():
        rows = {key: row for key, row in tables.deliveries.items() if key[1] == endpoint}
        _check_lane(setup, tables, endpoint, lane, rows)
    for key, row in tables.deliveries.items():
        if ("finished", *key[1:]) in tables.finished:
            raise Broken("I6", f"{key} is live and finished")
        _check_attempts(tables, key, row.attempts, leased=row.leased)
    for key, ended in tables.finished.items():
        if ended.times > 1:
            raise Broken("I6", f"{key} finished {ended.times} times")
        _check_attempts(tables, ("delivery", *key[1:]), ended.attempts, leased=False)
    for event in range(len(setup.keys)):
        _check_event(setup, tables, event)
    if setup.ordered:
        _check_order(setup, tables)
    for key, claim_no in state.sent:
        live = tables.deliveries.get(key)
        under_way = live is not None and live.attempt_id == claim_no and live.started
        if not under_way and ("attempt", *key[1:], claim_no) not in tables.attempts:
            raise Broken("I13", f"claim {claim_no} of {key} was sent and has no row")
    _check_sends(tables, state)
    if state.passed and max(state.passed) >= -(-setup.endpoints // setup.lanes_per_claim):
        raise Broken("I8", f"a ready lane was passed over {max(state.passed)} times")


class Tables:
    """The committed rows, by table."""

    def __init__(self, state: State) -> None:
        self.lanes: dict[int, Lane] = {}
        self.endpoints: dict[int, Endpoint] = {}
        self.events: set[int] = set()
        self.pending: dict[int, Pending] = {}
        self.deliveries: dict[Key, Delivery] = {}
        self.finished: dict[Key, Finished] = {}
        self.attempts: dict[Key, Attempt] = {}
        self.stopped: set[Key] = set()
        for key, row in state.rows:
            match row:
                case Delivery():
                    self.deliveries[key] = row
                case Lane():
                    self.lanes[key[1]] = row
                case Endpoint():
                    self.endpoints[key[1]] = row
                case Event():
                    self.events.add(key[1])
                case Pending():
                    self.pending[key[1]] = row
                case Finished():
                    self.finished[key] = row
                case Attempt():
                    self.attempts[key] = row
                case _:
                    self.stopped.add(key)


def _check_lane(setup: Setup, tables: Tables, endpoint: int, lane: Lane, rows: dict[Key, Delivery]) -> None:
    leased = [key for key, row in rows.items() if row.leased]
    if lane.in_flight != len(leased):
        raise Broken("I7", f"lane {endpoint} counts {lane.in_flight}, {len(leased)} are leased")
    if lane.in_flight > setup.cap:
        raise Broken("I7", f"lane {endpoint} has {lane.in_flight} in flight, its cap is {setup.cap}")
    probing = lane.circuit_openings > 0 and any(key[3] == 0 for key in leased)
    for key, row in rows.items():
        moment = row.due_at
        if not row.leased and tables.endpoints[endpoint].enabled:
            if lane.in_flight >= setup.cap or (probing and key[3] == 0):
                continue
            if key[3] == 0:
                moment = max(moment, lane.hold_until, lane.circuit_until)
        if lane.ready_at > max(0, moment):
            raise Broken("I3", f"lane {endpoint} sleeps until {lane.ready_at}, {key} is due at {moment}")
    failed = any(
        key[1] == endpoint and key[3] == 0 and attempt.outcome == "failed"
        for key, attempt in tables.attempts.items()
    )
    if lane.circuit_openings > 0 and not failed:
        raise Broken("by hand", f"the circuit of {endpoint} opened, and no automatic attempt failed")


def _check_attempts(tables: Tables, key: Key, attempts: int, *, leased: bool) -> None:
    written = [row for place, row in tables.attempts.items() if place[1:4] == key[1:]]
    if any(row.times > 1 for row in written):
        raise Broken("I13", f"an attempt of {key} was written twice")
    if attempts != len(written) + leased:
        raise Broken("I13", f"{key} counts {attempts} attempts, {len(written)} have rows")


def _check_event(setup: Setup, tables: Tables, event: int) -> None:
    pending = tables.pending.get(event)
    if event not in tables.events:
        if pending is not None:
            raise Broken("I1", f"a pointer to {event}, which is not there")
        return
    served = range(setup.endpoints if pending is None else pending.fanned_out_to + 1)
    for endpoint in range(setup.endpoints):
        live = ("delivery", endpoint, event, 0) in tables.deliveries
        if (live or ("finished", endpoint, event, 0) in tables.finished) != (endpoint in served):
            raise Broken("I2", f"event {event} and endpoint {endpoint}: pointer {pending}, served {live}")


def _check_order(setup: Setup, tables: Tables) -> None:
    for key, row in tables.deliveries.items():
        if key[3] == 0:
            for younger in range(key[2] + 1, len(setup.keys)):
                if setup.keys[younger] != setup.keys[key[2]]:
                    continue
                behind = tables.deliveries.get(("delivery", key[1], younger, 0))
                ended = tables.finished.get(("finished", key[1], younger, 0))
                if behind is not None and behind.due_at != NEVER:
                    raise Broken("I9", f"{key} is live and {younger} is due at {behind.due_at}, {row}")
                if ended is not None and ended.state != "stopped":
                    raise Broken("I9", f"{younger} ended as {ended.state} before {key}")


def _check_sends(tables: Tables, state: State) -> None:
    under_way: list[Claim] = [
        claim
        for process in state.processes
        for claim in process.claims
        if claim.phase == "sending" and claim.deadline_left >= 0
    ]
    for claim in under_way:
        row = tables.deliveries.get(claim.delivery)
        if claim.deadline_left >= claim.lease_left:
            raise Broken("I12", f"{claim} may outlive its lease")
        if row is not None and (row.attempt_id != claim.claim_no or row.due_at <= claim.deadline_left):
            raise Broken("I12", f"{claim} is under way, and its row is {row}")
    deliveries = [claim.delivery for claim in under_way]
    if len(set(deliveries)) < len(deliveries):
        raise Broken("I12", "two sends of one delivery are under way within their deadlines")


def check_step(step: Step) -> None:
    """Of what one statement changed, by what its process saw before."""
    before, after = step.before, step.after
    if before is None or after is None:
        return
    for key, was, became in _changed(before, after):
        if became is not None and became.claim_no < was.claim_no:
            raise Broken("I4", f"{key}: {was} became {became}")
        match step.name:
            case "record_outcomes" | "release_leases":
                mine = any(
                    claim.delivery == key and claim.claim_no == was.claim_no == was.attempt_id
                    for claim in before.txn.settled
                )
                if not mine:
                    raise Broken("I5", f"{step.name} of {before.txn.settled} changed {key}: {was}")
            case "lease_deliveries" | "cancel_of_disabled" | "give_back_expired" if was.due_at > 0:
                raise Broken("I4", f"{step.name} took {key}: {was}")
            case "begin_deliveries" if was.started or not was.leased or before.txn.hint[1] != was.claim_no:
                raise Broken("I4", f"{before.txn.hint} began {key}: {was}")
        if step.name == "cancel_of_disabled" and before.enabled(key[1]):
            raise Broken("disabled", f"{key} of an enabled endpoint was cancelled")
        if step.name == "lease_deliveries":
            _check_claim(before, after, key, was, became)


def _changed(before: View, after: View) -> Iterator[tuple[Key, Delivery, Delivery | None]]:
    for key in after.writes:
        if key[0] == "delivery" and key in before.rows:
            was, became = before.delivery(key), after.delivery(key)
            if was is not None and was != became:
                yield key, was, became


def _check_claim(before: View, after: View, key: Key, was: Delivery, became: Delivery | None) -> None:
    if became is None or became.claim_no != was.claim_no + 1:
        raise Broken("I4", f"a claim of {key} made {became} of {was}")
    if key[3]:
        return
    lane = before.lane(key[1])
    if not before.enabled(key[1]):
        raise Broken("disabled", f"{key} was claimed for a disabled endpoint")
    if lane.hold_until > 0 and not was.leased:
        raise Broken("held", f"{key} was claimed under a hold of {lane.hold_until}")
    if lane.circuit_openings > 0 and (lane.circuit_until > 0 or after.probing(key[1], except_for=key)):
        raise Broken("held", f"{key} was claimed while {lane}")


def is_over(setup: Setup, state: State) -> bool:
    """No work is left, but what waits behind a dead letter that stops its key."""
    if any(process.txn or process.claims for process in state.processes):
        return False
    tables = Tables(state)
    return not tables.pending and all(
        row.due_at == NEVER and ("stopped", key[1], setup.keys[key[2]]) in tables.stopped
        for key, row in tables.deliveries.items()
    )
