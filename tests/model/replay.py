"""The model's steps against the product: the same schedule on real connections, and the tables compared after each."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from dispatcher.attempts import Attempted
from dispatcher.claims import Claim as RealClaim
from dispatcher.claims import Hint
from dispatcher.cycles import CycleRunner, Work
from dispatcher.deliveries import resend_event, stop_delivery
from dispatcher.endpoints import update_endpoint
from dispatcher.failures import FailureCode
from dispatcher.outcomes import Outcome
from dispatcher.retry import RetryPolicy, decide
from tests.dispatcher.scenes import OWNER, REFUSED, SUCCESS, make_endpoint, query, record
from tests.model.processes import RealProcess
from tests.model.protocol import Next, Protocol, Step
from tests.model.readings import read_rows
from tests.model.tables import Claim, Key, Row, Setup, State

UNIT = timedelta(hours=1)
BEGINNING = datetime(2031, 5, 1, tzinfo=UTC)
# The database's clock stands still but for steps: schema `replay` comes before pg_catalog in these sessions.
CLOCK = """
CREATE SCHEMA IF NOT EXISTS replay;
CREATE TABLE IF NOT EXISTS replay.clock (moment timestamptz);
CREATE OR REPLACE FUNCTION replay.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE
    AS 'SELECT moment FROM replay.clock';
CREATE OR REPLACE FUNCTION replay.clock_timestamp() RETURNS timestamptz LANGUAGE sql STABLE
    AS 'SELECT moment FROM replay.clock';
"""
TABLES = (
    "outbox_event", "outbox_pending", "dispatcher_delivery", "dispatcher_finished_delivery", "dispatcher_attempt",
    "dispatcher_stopped_key", "dispatcher_lane", "dispatcher_endpoint", "replay.clock",
)  # fmt: skip


def prepare_session() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET search_path = replay, pg_catalog, public")


def clear_tables() -> None:
    for table in TABLES:
        query(f"DELETE FROM {table}")


class Drifted(AssertionError):
    """The product did something else than the model."""


class Replay:
    """One world, in the model and in the database. Requires empty tables."""

    def __init__(self, setup: Setup, processes: Sequence[RealProcess]) -> None:
        self.protocol = Protocol(setup)
        self.setup = setup
        self.state: State = self.protocol.beginning()
        self.way: list[str] = []
        self._processes = processes
        self._at = ["" for _ in processes]  # where each stands, as it says
        self._now = BEGINNING
        self._claims: dict[tuple[int, Key, int], RealClaim] = {}
        self._began: dict[tuple[int, Key, int], datetime] = {}
        self._ids: dict[uuid.UUID, Key] = {}  # of deliveries
        query("INSERT INTO replay.clock VALUES (%s)", BEGINNING)
        self._endpoints = [
            make_endpoint(max_in_flight=setup.cap, ordered=setup.ordered, on_dead_letter=_end(setup))
            for _ in range(setup.endpoints)
        ]
        self._events = (
            [event.id for key in setup.keys for event in self._record(key)] if setup.recorded else []
        )
        self._runners = [
            CycleRunner(
                lease_owner=uuid.uuid4(), lease=setup.lease * UNIT, log=_NoLog(), begun=setup.workers == 0
            )
            for _ in processes
        ]

    def steps(self) -> list[Next]:
        return list(self.protocol.steps(self.state))

    def take(self, step: Step) -> None:
        """Let the product do what the model does next, and compare.

        Raises:
            Drifted: another statement came next, or the tables hold something else.
        """
        ways = [after for one, after in self.steps() if _same(one, step)]
        self.way.append(f"{step.process}: {step.name} {step.what} {step.fault}")
        self._do(step)
        seen = self._read(step)
        if step.name == "lock_ready_lanes":
            ways = [after for after in ways if self._locks_as_told(step.process, after)] or ways
        self.state = next((after for after in ways if _rows(after, step, self.protocol) == seen), ways[0])
        expected = _rows(self.state, step, self.protocol)
        if expected != seen:
            different = {key for key in {*expected, *seen} if expected.get(key) != seen.get(key)}
            told = "; ".join(f"{key}: model {expected.get(key)}, tables {seen.get(key)}" for key in different)
            raise Drifted(f"{told}\nafter " + ", ".join(self.way))

    def close(self) -> None:
        for process, at in zip(self._processes, self._at, strict=True):
            if at:
                process.kill()
        self._at = ["" for _ in self._processes]

    def _locks_as_told(self, index: int, after: State) -> bool:
        """Which lanes were locked shows in what is asked of them next."""
        txn = after.processes[index].txn
        assert txn is not None
        lanes = {"cancel_of_disabled": txn.disabled, "give_back_expired": txn.guarded}.get(
            txn.next, txn.lanes
        )
        told = (self._processes[index].parameters or {}).get("endpoint_ids", ())
        return {self._endpoints[endpoint].id for endpoint in lanes} == set(told)

    # --- What the product does ---

    def _do(self, step: Step) -> None:
        match step.name:
            case "time":
                self._now += UNIT
                query("UPDATE replay.clock SET moment = %s", self._now)
            case "send":
                for claim in self.state.processes[step.process].claims:
                    self._began.setdefault((step.process, claim.delivery, claim.claim_no), self._now)
            case "answer" | "give_back" | "hand_out" | "flush":
                pass  # in memory only
            case "crash" | "rollback":
                if self._at[step.process]:
                    self._processes[step.process].kill()
                    self._at[step.process] = ""
            case _:
                self._run(step)

    def _run(self, step: Step) -> None:
        process, index = self._processes[step.process], step.process
        txn = self.state.processes[index].txn
        if txn is None:
            self._at[index] = process.begin(lambda: self._job(step))
        if self.state.processes[index].role != "api" or txn is not None:
            name = "promote_heads" if step.name == "promote_headless" else step.name
            if self._at[index] != name:
                raise Drifted(f"{self._at[index]!r} comes next, not {name}, after " + ", ".join(self.way))
            self._at[index] = process.advance()
        if step.name == "commit" and self.state.processes[index].role != "api":
            for real in process.result.claims:
                self._claims[index, self._ids[real.delivery_id], real.claim_no] = real

    def _job(self, step: Step) -> Any:
        assert step.before is not None
        txn = step.before.txn
        if not txn.action:
            return self._runners[step.process]._in_one_transaction(
                Work(
                    attempted=[
                        self._attempted(step.process, one) for one in txn.settled if one.phase == "attempted"
                    ],
                    unsent=[self._real(step.process, one) for one in txn.settled if one.phase == "unsent"],
                    room=txn.room,
                    fan_out=self.state.processes[step.process].role == "dispatcher",
                    hints=[
                        Hint(delivery_id=self._id(key), claim_no=number) for key, number in _hints(txn.hint)
                    ],
                )
            )
        match txn.action:
            case ("record", event):
                return self._record(self.setup.keys[event])
            case ("resend", endpoint, event):
                return resend_event(
                    owner=OWNER, event_id=self._events[event], endpoint_id=self._endpoints[endpoint].id
                )
            case ("stop", *rest):
                return stop_delivery(owner=OWNER, delivery_id=self._id(("delivery", *rest)))
            case (what, endpoint):
                return update_endpoint(
                    owner=OWNER,
                    endpoint_id=self._endpoints[endpoint].id,
                    changes={"status": f"{what}d"},
                )
        raise ValueError(txn.action)

    def _record(self, key: int) -> Any:
        return record(1, type=f"parcel.sent_{key}")

    def _real(self, index: int, claim: Claim) -> RealClaim:
        return self._claims[index, claim.delivery, claim.claim_no]

    def _attempted(self, index: int, claim: Claim) -> Attempted:
        outcome = {"succeeded": SUCCESS, "failed": REFUSED}.get(claim.outcome) or Outcome(
            succeeded=False,
            failure_code=FailureCode.HTTP_429,
            status=429,
            retry_after=self.setup.hold * UNIT,
        )
        schedule = (self.setup.retry_after * UNIT,) * (self.setup.max_attempts - 1)
        policy = RetryPolicy(schedule=schedule, jitter=0.0)
        began = self._began[index, claim.delivery, claim.claim_no]
        return Attempted(
            claim=self._real(index, claim),
            started_epoch=began.timestamp(),
            outcome=outcome,
            decision=decide(outcome, attempt_number=claim.number, policy=policy, jitter=0.0),
        )

    def _id(self, key: Key) -> uuid.UUID:
        """The youngest: what a rolled back fan-out had made is gone."""
        return next(delivery_id for delivery_id, known in reversed(self._ids.items()) if known == key)

    # --- What the tables hold ---

    def _read(self, step: Step) -> dict[Key, Row]:
        endpoints = [endpoint.id for endpoint in self._endpoints]

        def reading(cursor: Any) -> dict[Key, Row]:
            return read_rows(
                cursor,
                setup=self.setup,
                now=self._now,
                unit=UNIT,
                endpoints=endpoints,
                events=self._events,
                ids=self._ids,
            )

        if step.process >= 0 and self._at[step.process]:
            rows: dict[Key, Row] = self._processes[step.process].read(reading)
            return rows
        return reading(connection.connection.cursor())


class _NoLog:
    def poisoned(self, part: str, error: Exception, subject: str) -> None:
        raise error


def _same(one: Step, other: Step) -> bool:
    return one[:5] == other[:5] and (one.before and one.before.txn) == (other.before and other.before.txn)


def _rows(state: State, step: Step, protocol: Protocol) -> dict[Key, Row]:
    """What the process of the step sees, or everybody."""
    rows = dict(state.rows)
    txn = state.processes[step.process].txn if step.process >= 0 else None
    for key, row in txn.writes if txn else ():
        if row:
            rows[key] = row
        else:
            rows.pop(key, None)
    return rows


def _hints(hint: tuple[Any, ...]) -> list[tuple[Key, int]]:
    return [(hint[0], hint[1])] if hint else []


def _end(setup: Setup) -> str:
    return "stop" if setup.stops else "continue"
