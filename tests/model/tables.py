"""What the model holds: rows as in the tables, what processes have in memory, and what may still go wrong.

Every value is a tuple, so states can be hashed, compared and sorted. Times are whole units from now: 0 is now or
earlier, NEVER is infinity; when time passes they all become smaller. A row's key is (table, …).
"""

from typing import Any, NamedTuple

NEVER = 99  # 'infinity', and a moment that there is not
GONE = ()  # what a transaction writes where it deletes a row

Key = tuple[Any, ...]  # ("delivery", endpoint, event, resend_no)
Row = tuple[Any, ...]
Rows = tuple[tuple[Key, Row], ...]


class Event(NamedTuple):
    """Key: event. Its number is the order in which ids and sequences are drawn."""

    order_key: int


class Pending(NamedTuple):
    """Key: event."""

    fanned_out_to: int = -1


class Endpoint(NamedTuple):
    """Key: endpoint."""

    enabled: bool = True


class Lane(NamedTuple):
    """Key: endpoint."""

    ready_at: int = NEVER
    in_flight: int = 0
    hold_until: int = 0
    circuit_openings: int = 0
    circuit_until: int = 0


class Delivery(NamedTuple):
    """Key: endpoint, event, resend_no. A live one; `attempt_id` is the number of the claim that minted it, 0 is NULL.

    `lease_owner` is only ever compared with NULL, and is NULL exactly where `attempt_id` is.
    """

    due_at: int
    claim_no: int = 0
    attempt_id: int = 0
    started: bool = False
    attempts: int = 0

    @property
    def leased(self) -> bool:
        return self.attempt_id > 0


class Finished(NamedTuple):
    """Key: endpoint, event, resend_no; `times` counts how often it was inserted."""

    state: str
    attempts: int
    times: int = 1


class Attempt(NamedTuple):
    """Key: endpoint, event, resend_no, attempt_id; `times` as above."""

    outcome: str
    superseded: bool
    times: int = 1


class Stopped(NamedTuple):
    """Key: endpoint, order key."""

    event: int  # whose delivery was dead-lettered


class Claim(NamedTuple):
    """What a process knows of a delivery that it claimed or began."""

    delivery: Key
    claim_no: int
    number: int  # of the attempt
    begun: bool
    phase: str = "held"  # handing, held, sending, attempted, unsent
    lease_left: int = 0  # by the process's own reckoning
    deadline_left: int = 0  # while sending
    began: int = 0  # when the send did
    outcome: str = ""

    @property
    def by_hand(self) -> bool:
        return bool(self.delivery[3])


class Touch(NamedTuple):
    """What a transaction owes a lane, as dispatcher.lanes.LaneTouch."""

    unleased: int = 0
    wake_at: int = NEVER
    whatever_holds_at: int = NEVER
    hold_for: int = 0
    succeeded: bool = False
    failures: int = 0
    last_failure_began: int = -NEVER
    order_keys: tuple[int, ...] = ()


class Txn(NamedTuple):
    """An open transaction: what it has written, which nobody else sees and everybody else finds locked."""

    next: str  # its next statement
    plan: tuple[str, ...]  # the statements that there may be
    writes: Rows = ()
    settled: tuple[Claim, ...] = ()  # what it records or gives back
    room: int = 0
    touches: tuple[tuple[int, Touch], ...] = ()
    seen: Rows = ()  # what the statement that locks lanes had seen before
    lanes: tuple[int, ...] = ()  # locked by the claim
    lease_left: int = 0
    disabled: tuple[int, ...] = ()
    guarded: tuple[int, ...] = ()
    headless: tuple[tuple[int, int], ...] = ()
    changes: tuple[tuple[int, int], ...] = ()
    claims: tuple[Claim, ...] = ()  # new ones
    hint: tuple[Any, ...] = ()  # what a worker begins
    action: tuple[Any, ...] = ()  # what the API does


class Process(NamedTuple):
    role: str  # dispatcher, worker, api
    claims: tuple[Claim, ...] = ()
    txn: Txn | None = None
    script: tuple[tuple[Any, ...], ...] = ()  # what the API is still asked to do
    front: int = -1  # only a mutant's fan-out remembers how far it came


class Faults(NamedTuple):
    """How many of each may still happen."""

    crashes: int = 0
    stalls: int = 0  # past a lease that somebody counts on, or past a send's deadline
    aborts: int = 0  # transactions that are rolled back, their process lives on
    lost_answers: int = 0  # of commits
    drains: int = 0  # claims given back unsent
    broker: int = 0  # messages lost, delivered twice, or of unknown fate


class State(NamedTuple):
    rows: Rows
    processes: tuple[Process, ...]
    faults: Faults
    hints: tuple[tuple[Key, int], ...] = ()
    sent: tuple[tuple[Key, int], ...] = ()  # requests that left: delivery and claim
    passed: tuple[int, ...] = ()  # by endpoint: claims that passed a ready lane over


class Setup(NamedTuple):
    """What a scenario fixes."""

    name: str
    about: str
    endpoints: int = 1
    keys: tuple[int, ...] = (0,)  # the order key of each event
    ordered: bool = False
    stops: bool = False  # on_dead_letter
    dispatchers: int = 2
    workers: int = 0  # where there are any, dispatchers hand out
    scripts: tuple[tuple[tuple[Any, ...], ...], ...] = ()  # of each API process
    recorded: bool = True  # the events are there at the beginning, else by script
    answers: tuple[str, ...] = ("succeeded",)  # and failed, busy (a 429 that asks for a hold)
    max_attempts: int = 2
    faults: Faults = Faults()
    slots: int = 2
    cap: int = 2  # max_in_flight
    lanes_per_claim: int = 64
    rows_per_fan_out: int = 99
    circuit: bool = False  # opens at the first failure
    lease: int = 2
    deadline: int = 1
    retry_after: int = 1
    hold: int = 2
    pause: int = 1
    past: int = 0  # how far back moments are told apart
    past_of_sends: int = 0  # the same for when sends began and circuits' pauses ended
    time_in_transactions: bool = False
    looks_before_locking: bool = False  # the snapshot of lock_ready_lanes and its locks are two steps
    counts_passed_over: bool = False


def aged_row(row: Row, setup: Setup) -> Row:
    """The row a unit of time later."""
    if isinstance(row, Delivery):
        return row._replace(due_at=_sooner(row.due_at, setup.past))
    if isinstance(row, Lane):
        return row._replace(
            ready_at=_sooner(row.ready_at, setup.past),
            hold_until=_sooner(row.hold_until, 0),
            circuit_until=_sooner(row.circuit_until, setup.past_of_sends),
        )
    return row


def aged_claim(claim: Claim, setup: Setup) -> Claim:
    began = max(-setup.past_of_sends, claim.began - 1)
    match claim.phase:
        case "held" | "handing":
            return claim._replace(lease_left=max(0, claim.lease_left - 1))
        case "sending":
            deadline_left = max(-1, claim.deadline_left - 1)
            return claim._replace(
                lease_left=max(0, claim.lease_left - 1), deadline_left=deadline_left, began=began
            )
        case _:
            return claim._replace(began=began)


def _sooner(moment: int, past: int) -> int:
    return moment if moment == NEVER else max(-past, moment - 1)


def aged_touch(touch: Touch, setup: Setup) -> Touch:
    return touch._replace(
        wake_at=_sooner(touch.wake_at, setup.past),
        whatever_holds_at=_sooner(touch.whatever_holds_at, setup.past),
        last_failure_began=max(-setup.past_of_sends, touch.last_failure_began - 1)
        if touch.failures
        else -NEVER,
    )
