"""g. End to end: payment intents created over HTTP while a dispatcher delivers what was created."""

import sys
from contextlib import ExitStack

from bench import backlog, servers
from bench.dispatching import backlog_of, dispatching, wait_until_drained
from bench.findings import Findings
from bench.plots import Bars, Stacks
from bench.profiles import profile_of
from bench.scenarios import Scale
from bench.servers import Load
from bench.stage import Stage
from bench.tables import Table

DURABLE = True
CONNECTIONS = 48
BARE, CREATED, DELIVERED = "bare view, nothing delivered", "product: created", "product: delivered meanwhile"


def measure(stage: Stage, scale: Scale) -> Findings:
    seconds = scale.choose(quick=0.8, whole=6.0)
    rates = Table(title="Payment intents", unit="/s", base=BARE)
    waiting = Table(title="Not yet delivered when creation stops", unit="events")
    used = Table(title="CPU", unit="s per 1,000 intents created and delivered")
    findings = Findings(
        scenario="g",
        name="whole",
        title="End to end",
        about=(
            f"{CONNECTIONS} connections create payment intents, {seconds:g} s a round, with an Idempotency-Key, while "
            "a dispatcher delivers payment_intent.created of each to one endpoint behind nginx (its cap out of reach). "
            "The bare view writes the same rows and nothing delivers them."
        ),
        tables=[rates, waiting, used],
    )
    load = Load(connections=CONNECTIONS, seconds=seconds)
    with stage.database("whole") as ground, stage.database("whole_bare") as other, ExitStack() as stack:
        account, bare_account = servers.create_account(ground), servers.create_account(other)
        _subscribe(ground, account.id)
        product = stack.enter_context(servers.serving(ground, servers.PRODUCT))
        bare = stack.enter_context(servers.serving(other, servers.BARE, BENCH_ACCOUNT=bare_account.id))
        dispatcher = stack.enter_context(dispatching(ground))
        groups = {"API": product.program.pid, "dispatcher": dispatcher.pid, **stage.servers}
        for server, on in ((product, ground), (bare, other)):
            Load(connections=CONNECTIONS, seconds=0.5).put_on(on, server, account.api_key)
        wait_until_drained(ground)
        for number in range(scale.rounds):
            rates.add(BARE, load.put_on(other, bare, bare_account.api_key)["create"]["rate"])
            before = stage.cpu_seconds_of(groups)
            started = load.start(ground, product, account.api_key)
            found = load.finish(started)
            left = backlog_of(ground)
            wait_until_drained(ground)
            after = stage.cpu_seconds_of(groups)
            created = found["create"]["answered"]
            rates.add(CREATED, found["create"]["rate"])
            rates.add(DELIVERED, (created - left) / found["seconds"])
            waiting.add("product", left)
            for name in groups:
                used.add(f"product: {name}", (after[name] - before[name]) / created * 1000)
            used.add("product: load client", started[0].cpu_seconds / created * 1000)
            sys.stderr.write(
                f"  round {number + 1}/{scale.rounds}  bare {rates.rows[BARE][-1]:6.0f} /s, created "
                f"{rates.rows[CREATED][-1]:6.0f} /s, delivered {rates.rows[DELIVERED][-1]:6.0f} /s\n"
            )
        findings.figures = {
            "created_to_bare": rates.ratio(CREATED),
            "delivered_to_bare": rates.ratio(DELIVERED),
        }
        findings.plots = [Bars(rates), Stacks(used)]
        if findings.misses:
            profiles = []
            for program in (product.program, dispatcher):
                started = Load(connections=CONNECTIONS, seconds=4).start(ground, product, account.api_key)
                profiles.append(profile_of(ground, program, seconds=2))
                load.finish(started)
            findings.profile = "\n\n".join(profiles)
    return findings


def _subscribe(stage: Stage, owner: str) -> None:
    ids = backlog.make_endpoints(stage, 1)
    stage.execute(
        "UPDATE dispatcher_endpoint SET owner = %(owner)s, enabled_events = '{payment_intent.created}' "
        "WHERE id = %(id)s",
        owner=owner,
        id=ids[0],
    )
