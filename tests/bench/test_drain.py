"""A drain from end to end, so small that it measures nothing: every contender still does its work."""

import sys

import pytest

from bench import anchor, backlog, nginx
from bench.dispatching import dispatching, record, wait_until_drained
from bench.latencies import read_commits, waits
from bench.receiver import running
from bench.scenarios.drain import BARE, DISPATCHER, TEXTBOOK, Contender, once
from bench.stage import Stage, stage

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(nginx.find() is None, reason=f"nginx is not here: {nginx.PACKAGE.install}"),
    pytest.mark.skipif(sys.platform != "linux", reason="the bench reads /proc"),
]
DELIVERIES, ENDPOINTS = 300, 7


@pytest.fixture(scope="module")
def ground():
    with stage() as migrated, migrated.database("tests") as ground:
        yield ground


@pytest.mark.parametrize("program", [DISPATCHER, BARE, TEXTBOOK], ids=["product", "bare loop", "textbook"])
def test_contender_delivers_all_and_leaves_nothing_behind(ground: Stage, program):
    contender = Contender(name="contender", arguments=program, processes=2)
    rate, used = once(ground, contender, count=DELIVERIES, endpoints=ENDPOINTS)
    assert rate > 0
    assert used.keys() == {"dispatcher", "PostgreSQL", "nginx"}
    assert used["dispatcher"] > 0
    assert standing(ground) == (0, DELIVERIES, DELIVERIES, 0)


@pytest.mark.skipif(anchor.find() is None, reason="pgbench is not here: apt-get install postgresql")
def test_anchor_claims_and_records_what_the_bare_loop_would(ground: Stage):
    once(ground, Contender(name="pgbench", arguments=(), anchor=True), count=DELIVERIES, endpoints=ENDPOINTS)
    assert standing(ground) == (0, DELIVERIES, DELIVERIES, 0)


def test_every_recorded_event_has_a_wait(ground: Stage):
    """Recorder, dispatcher and receiver together."""
    with ground.database("waits") as there, running(there) as received:
        backlog.make_endpoints(there, 3, url=received.url("/ok"))
        with dispatching(there):
            commits = read_commits(record(there, 60, rate=1_000, endpoints=3, connections=4).finish())
            wait_until_drained(there)
            found = waits(commits, received.taken())
    assert len(commits) == 60
    assert found.keys() == commits.keys()
    assert min(found.values()) >= 0


def standing(ground: Stage) -> tuple[int, ...]:
    """Live deliveries, finished ones, attempts that succeeded, places in lanes not given back."""
    return ground.execute(
        "SELECT (SELECT count(*) FROM dispatcher_delivery), (SELECT count(*) FROM dispatcher_finished_delivery), "
        "(SELECT count(*) FROM dispatcher_attempt WHERE outcome = 'succeeded'), "
        "(SELECT sum(in_flight)::int FROM dispatcher_lane)"
    )[0]
