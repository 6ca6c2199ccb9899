"""One soak: steady failures of every kind, the most that can be delivered, three times as much, and what is left."""

import sys
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from bench import backlog, receiver, servers
from bench.dispatching import backlog_of, dispatching, record
from bench.latencies import read_commits
from bench.receiver import RunningReceiver
from bench.soak.payers import Client, Payers
from bench.soak.plan import DISPATCHERS, FAILING, OVERLOAD, OVERLOADED, VARIABLES, WORKING, Plan
from bench.soak.sampling import Sample, Sampler
from bench.soak.verdicts import Outcome, Overload
from bench.stage import Stage
from outbox.identifiers import decode_id, encode_id
from tools.failures import Failure

_PATIENCE = 600.0  # seconds until what should end is taken for hung
_OWNER = "acct_bench_0"


@dataclass(slots=True)
class Arrivals:
    """Which events each path of the receiver has had."""

    received: RunningReceiver
    by_path: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    latest: dict[str, float] = field(default_factory=dict)  # Unix seconds, by path

    def take(self) -> None:
        for one in self.received.taken():
            self.by_path[one.path].add(one.webhook_id)
            self.latest[one.path] = one.at

    def missing(self, path: str, events: set[str]) -> int:
        return len(events - self.by_path[path])


@dataclass(frozen=True, slots=True, kw_only=True)
class Soak:
    """A product that runs, and who pays it and receives from it."""

    stage: Stage
    plan: Plan
    client: Client
    payers: Payers
    sampler: Sampler
    arrivals: Arrivals
    failing: list[str]  # public ids of endpoints
    overloaded: list[str]  # paths of the receiver


def soak(stage: Stage, plan: Plan) -> tuple[Outcome, list[Sample], Mapping[str, int]]:
    """What it found, every sample, and the attempts by their failure code."""
    with _running(stage, plan) as running:
        began = time.monotonic()
        _pass(running, plan.steady, "steady")
        steady_end = time.monotonic()
        overload, events = _overload(running)
        _drain(running)
        steady = [s for s in running.sampler.samples if began + plan.warm_up <= s.at <= steady_end]
        answers = [one for one in running.payers.tally.answers if one.at <= steady_end]
        lost = _lost(running, events)
        running.client.close()  # idle for so long that the server may have closed it
        for endpoint in running.failing:
            _delete(running.client, endpoint)
        unended = _until_nothing_is_left(running.stage)
        codes = _failure_codes(running.stage)
        outcome = Outcome(
            steady=steady,
            answers=answers,
            overload=overload,
            acknowledged=len(running.payers.tally.intents) + len(events),
            lost=lost,
            unended=unended,
            failure_codes=list(codes),
        )
        return outcome, list(running.sampler.samples), codes


@contextmanager
def _running(stage: Stage, plan: Plan) -> Iterator[Soak]:
    with stage.database("soak") as ground, ExitStack() as stack:
        account = servers.create_account(ground)
        received = stack.enter_context(receiver.running(ground))
        api = stack.enter_context(servers.serving(ground, servers.PRODUCT, **VARIABLES))
        settlement = ground.start("settlement", "manage.py", "run_settlement", variables=VARIABLES)
        dispatchers = [
            stack.enter_context(dispatching(ground, f"dispatcher {number + 1}", **VARIABLES))
            for number in range(DISPATCHERS)
        ]
        client = Client(api.url, account.api_key)
        working = [_endpoint(client, received.url(path), ["*"]) for path in WORKING]
        urls = [*map(received.url, FAILING), "http://127.0.0.1:1/nobody-listens"]
        failing = [_endpoint(client, url, ["payment_intent.succeeded"]) for url in urls]
        paths = [f"/overload/{number}" for number in range(OVERLOADED)]
        overloaded = [_of_the_overload(ground, received.url(path), n) for n, path in enumerate(paths)]
        groups = {
            "API": api.program.pid,
            "settlement": settlement.pid,
            **{program.name: program.pid for program in dispatchers},
        }
        watched = [str(decode_id("we", one)) for one in working] + overloaded
        sampler = stack.enter_context(Sampler(ground, groups, watched, every=plan.every))
        payers = stack.enter_context(Payers(api.url, account.api_key, rate=plan.rate))
        yield Soak(
            stage=ground,
            plan=plan,
            client=client,
            payers=payers,
            sampler=sampler,
            arrivals=Arrivals(received),
            failing=failing,
            overloaded=paths,
        )
        client.close()


def _endpoint(client: Client, url: str, events: list[str]) -> str:
    status, content = client.send("POST", "/webhook_endpoints/", {"url": url, "enabled_events": events})
    if status != 201:
        raise Failure(f"The endpoint for {url} was answered {status}: {content}")
    return str(content["id"])


def _delete(client: Client, endpoint: str) -> None:
    """What still waits for it ends as cancelled."""
    status, content = client.send("DELETE", f"/webhook_endpoints/{endpoint}/")
    if status != 200:
        raise Failure(f"Deleting the endpoint {endpoint} was answered {status}: {content}")


def _of_the_overload(stage: Stage, url: str, number: int) -> str:
    """An endpoint beside the others of the overload's owner, its lane's cap out of reach."""
    (id_,) = backlog.make_endpoints(stage, 1, url=url, first=number)
    stage.execute("UPDATE dispatcher_endpoint SET owner = %(owner)s WHERE id = %(id)s", owner=_OWNER, id=id_)
    return id_


def _pass(running: Soak, seconds: float, phase: str) -> None:
    """Let it run, tell of it, and take what has arrived: the receiver's memory is not what is measured."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(running.plan.every, left))
        running.arrivals.take()
        _tell(running, phase)


def _overload(running: Soak) -> tuple[Overload, set[str]]:
    """Measure the most, record three times as much for a while, and wait until no more of it is left than before."""
    plan = running.plan
    commits = read_commits(record(running.stage, plan.calibration, rate=0, endpoints=1).finish())
    events = set(commits)
    _until_arrived(running, events, "the most")
    last = max(running.arrivals.latest[path] for path in running.overloaded)
    capacity = len(commits) / (last - min(commits.values()))
    rate = OVERLOAD * capacity
    began = time.monotonic()
    recorder = record(running.stage, round(rate * plan.overload), rate=rate, endpoints=1)
    while not recorder.program.has_ended:
        _pass(running, plan.every, "overload")
    commits = read_commits(recorder.finish())
    ended = time.monotonic()
    events |= set(commits)
    answers = running.payers.tally.since(began)
    _until_arrived(running, events, "drains")
    moments = commits.values()
    overload = Overload(
        capacity=capacity,
        recorded=len(commits) / (max(moments) - min(moments)),
        answers=answers,
        peak=max(sample.waiting for sample in running.sampler.samples if sample.at >= began),
        drained=time.monotonic() - ended,
    )
    return overload, events


def _until_arrived(running: Soak, events: set[str], phase: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while left := sum(running.arrivals.missing(path, events) for path in running.overloaded):
        if time.monotonic() > deadline:
            raise Failure(f"{left} deliveries of the overload never arrived.")
        time.sleep(0.2)
        running.arrivals.take()
        _tell(running, phase)


def _drain(running: Soak) -> None:
    """Nobody pays any more; what is on its way to endpoints that work arrives."""
    running.payers.stop()
    deadline = time.monotonic() + _PATIENCE
    while running.sampler.look().waiting or _processing(running.stage):
        if time.monotonic() > deadline:
            raise Failure("What was acknowledged never ended.")
        time.sleep(0.2)
        _tell(running, "drains")
    running.arrivals.take()


def _processing(stage: Stage) -> int:
    statement = "SELECT count(*) FROM core_payment_intent WHERE status = 'processing'"
    return int(stage.execute(statement)[0][0])


def _lost(running: Soak, recorded: set[str]) -> int:
    """Payments without their event, and events that an endpoint which works never had."""
    rows = running.stage.execute("soak_events", owner=_OWNER)
    of_object: dict[str, set[str]] = defaultdict(set)
    for _, type_, object_id in rows:
        of_object[object_id].add(type_)
    ended = {"payment_intent.created", "payment_intent.succeeded"}
    lost = sum(not ended <= of_object[intent] for intent in running.payers.tally.intents)
    events = {encode_id("evt", uuid.UUID(str(event_id))) for event_id, _, _ in rows}
    lost += sum(running.arrivals.missing(path, events) for path in WORKING)
    return lost + sum(running.arrivals.missing(path, recorded) for path in running.overloaded)


def _until_nothing_is_left(stage: Stage) -> int:
    """Deliveries of endpoints that are gone end too; how many do not."""
    deadline = time.monotonic() + 60
    while (left := backlog_of(stage)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return left


def _failure_codes(stage: Stage) -> Mapping[str, int]:
    statement = (
        "SELECT failure_code, count(*) FROM dispatcher_attempt WHERE failure_code IS NOT NULL"
        " GROUP BY failure_code ORDER BY failure_code"
    )
    return Counter(dict(stage.execute(statement)))


def _tell(running: Soak, phase: str) -> None:
    """In place on a terminal; a log shall not have a line a second."""
    if not running.sampler.samples or not sys.stderr.isatty():
        return
    last = running.sampler.samples[-1]
    paid = len(running.payers.tally.intents)
    sys.stderr.write(
        f"\r  {phase:9} {paid:7,} paid, {last.backlog:8,} waiting, oldest due {last.oldest_due:5.1f} s"
    )
