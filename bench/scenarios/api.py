"""e. The API beside a bare Django view that writes the same rows; the price of keys and of the request log."""

import sys
from contextlib import ExitStack
from dataclasses import dataclass

from bench import servers
from bench.findings import Findings
from bench.plots import Bars
from bench.profiles import profile_of
from bench.scenarios import Scale
from bench.servers import Load, Server
from bench.stage import Stage
from bench.tables import Table
from tools.demo.ports import adjacent_ports

DURABLE = True
PRODUCT, METRICS, BARE = "product", "product with metrics", "bare view"
CONNECTIONS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    name: str
    server: Server
    load: Load


def measure(stage: Stage, scale: Scale) -> Findings:
    seconds = scale.choose(quick=0.4, whole=3.0)
    created = Table(title="Create a payment intent", unit="requests/s", base=BARE)
    waits = Table(title="Create, p99", unit="ms", base=BARE)
    pairs = Table(title="Create and confirm a payment intent", unit="pairs/s", base=BARE)
    confirm_waits = Table(title="Confirm, p99", unit="ms", base=BARE)
    findings = Findings(
        scenario="e",
        name="api",
        title="API",
        about=(
            f"POST /payment_intents/ over {CONNECTIONS} connections, with an Idempotency-Key where it is not said "
            f"otherwise, {seconds:g} s a round; granian has {servers.WORKERS} workers of {servers.THREADS} threads. "
            "The bare view authenticates and checks nothing and writes the same rows by one statement: intent, "
            "event, pointer, key and log line."
        ),
        tables=[created, waits, pairs, confirm_waits],
    )
    with stage.database("api") as ground, ExitStack() as stack:
        account = servers.create_account(ground)
        contenders = _contenders(ground, stack, account.id, seconds)
        for server in {one.server.url: one.server for one in contenders}.values():  # warm
            Load(connections=CONNECTIONS, seconds=seconds).put_on(ground, server, account.api_key)
        for number in range(scale.rounds):
            for one in contenders:
                found = one.load.put_on(ground, one.server, account.api_key)
                if one.load.confirm:
                    pairs.add(one.name, found["confirm"]["rate"])
                    confirm_waits.add(one.name, found["confirm"]["p99_ms"])
                else:
                    created.add(one.name, found["create"]["rate"])
                    waits.add(one.name, found["create"]["p99_ms"])
            sys.stderr.write(
                f"  round {number + 1}/{scale.rounds}  create {created.rows[PRODUCT][-1]:6.0f} /s, "
                f"bare {created.rows[BARE][-1]:6.0f} /s\n"
            )
        findings.figures = {
            "create_to_bare": created.ratio(PRODUCT),
            "api_metrics_on_to_off": created.ratio(METRICS, PRODUCT),
        }
        findings.plots = [Bars(table) for table in findings.tables]
        if findings.misses:
            one = contenders[0]
            started = Load(connections=CONNECTIONS, seconds=5).start(ground, one.server, account.api_key)
            findings.profile = profile_of(ground, one.server.program, seconds=3)
            Load.finish(started)
    return findings


def _contenders(stage: Stage, stack: ExitStack, account_id: str, seconds: float) -> list[Contender]:
    """Whose name is in two tables is measured for both."""

    def serve(application: str, **variables: str) -> Server:
        return stack.enter_context(servers.serving(stage, application, **variables))

    ports = stack.enter_context(adjacent_ports(servers.WORKERS))
    counted = serve(servers.PRODUCT, API_METRICS_PORTS=f"{ports[0]}-{ports[-1]}")
    product, unlogged = serve(servers.PRODUCT), serve(servers.UNLOGGED)
    bare = serve(servers.BARE, BENCH_ACCOUNT=account_id)
    bare_unlogged = serve(servers.BARE, BENCH_ACCOUNT=account_id, BENCH_LOGGED="false")

    def load(*, confirm: bool = False, idempotency: bool = True) -> Load:
        return Load(connections=CONNECTIONS, seconds=seconds, confirm=confirm, idempotency=idempotency)

    return [
        Contender(name=PRODUCT, server=product, load=load()),
        Contender(name=METRICS, server=counted, load=load()),
        Contender(name=BARE, server=bare, load=load()),
        Contender(name="product, no key", server=product, load=load(idempotency=False)),
        Contender(name="product, no request log", server=unlogged, load=load()),
        Contender(name="product, neither", server=unlogged, load=load(idempotency=False)),
        Contender(name="bare view, neither", server=bare_unlogged, load=load(idempotency=False)),
        Contender(name=PRODUCT, server=product, load=load(confirm=True)),
        Contender(name=BARE, server=bare, load=load(confirm=True)),
    ]
