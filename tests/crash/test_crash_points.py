"""Crash points: each is one place of the code, is described and struck, and kills the process that gets there."""

import ast
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.accounts import create_account
from core.api_keys import create_api_key
from core.models import PaymentIntent
from outbox.crash_points import arm, known_points, reach
from outbox.errors import NoCrashPoint
from tests.brokers import running_broker
from tests.crash.hosting import Host, Process
from tests.crash.process_faults import (
    API_POINTS,
    DISPATCHER_POINTS,
    HINTING_POINTS,
    MAINTENANCE_POINTS,
    RECORDER_POINTS,
    SETTLEMENT_POINTS,
    WORKER_POINTS,
    make_old_partition,
)
from tests.crash.product import SETTINGS
from tests.dispatcher.receivers import Receiver, answer_all
from tests.dispatcher.scenes import make_endpoint, record
from tests.processes import ROOT, command_environment, worker_database_url

KILLED = -signal.SIGKILL
ROOMS = ("outbox", "core", "api", "dispatcher")
ROW = re.compile(r"(?m)^\| `(\w+)` \| (.+) \|$")


def points_reached() -> Counter[str]:
    """How often each name is passed to reach() in the product."""
    found: Counter[str] = Counter()
    for path in (path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "reach":
                found[ast.literal_eval(node.args[0])] += 1
    return found


def test_every_point_is_one_place_of_the_code():
    assert points_reached() == dict.fromkeys(known_points(), 1)


def test_every_point_is_described():
    page = (ROOT / "docs" / "reference" / "settings.md").read_text().partition("## Crash points")[2]
    assert dict(ROW.findall(page)) == known_points()


def test_every_point_is_struck_by_the_suite():
    struck = [
        API_POINTS, DISPATCHER_POINTS, HINTING_POINTS, MAINTENANCE_POINTS, RECORDER_POINTS, SETTLEMENT_POINTS,
        WORKER_POINTS,
    ]  # fmt: skip
    assert {point for points in struck for point in points} == known_points().keys()


@pytest.fixture
def signals(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """What the process would have sent itself; no point is armed afterwards."""
    sent: list[int] = []
    monkeypatch.setattr(os, "kill", lambda _, number: sent.append(number))
    yield sent
    arm({}, ())


def test_nothing_happens_where_no_point_is_armed(signals: list[int]) -> None:
    arm({}, known_points())
    reach("after_send")
    assert signals == []


@pytest.mark.parametrize(
    ("variable", "number"), [("CRASH_AT", signal.SIGKILL), ("FREEZE_AT", signal.SIGSTOP)]
)
def test_a_point_strikes_once_when_it_is_reached_for_the_nth_time(
    signals: list[int], variable: str, number: int
) -> None:
    arm({variable: "after_send:3"}, known_points())
    for expected in ([], [], [number], [number]):
        reach("after_claim")
        reach("after_send")
        assert signals == expected


@pytest.mark.parametrize("value", ["after_all", "after_send:0", "after_send:x", ":1"])
def test_what_names_no_point_is_refused(signals: list[int], value: str) -> None:
    with pytest.raises(NoCrashPoint, match="CRASH_AT must name a crash point"):
        arm({"CRASH_AT": value}, known_points())


def test_a_process_that_is_to_die_nowhere_does_not_start() -> None:
    ended = subprocess.run(
        [sys.executable, "manage.py", "run_dispatcher"],
        cwd=ROOT,
        env=command_environment(CRASH_AT="after_all", DATABASE_URL="postgresql:///unused"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "CRASH_AT must name a crash point" in ended.stderr
    assert "Traceback" not in ended.stderr


# --- Each point kills ---


@pytest.fixture(scope="module")
def host(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    environment = command_environment(**{**SETTINGS, "BANK_DELAY_SECONDS": "0"})
    with Host(environment, tmp_path_factory.mktemp("processes")) as host:
        yield host


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(answer_all()) as receiver:
        yield receiver


@pytest.fixture
def api_key() -> str:
    return create_api_key(account=create_account(name="Shop"), name="tests")


def assert_killed(process: Process) -> None:
    assert process.wait() == KILLED, process.output


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", [*MAINTENANCE_POINTS, *DISPATCHER_POINTS])
def test_a_dispatcher_dies_there(host: Host, receiver: Receiver, point: str) -> None:
    make_endpoint(url=receiver.url())
    record(3)
    if point == "during_drop":
        make_old_partition(worker_database_url())
    assert_killed(host.start("run_dispatcher", CRASH_AT=point))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", RECORDER_POINTS)
def test_a_writer_dies_there(host: Host, tmp_path: Path, point: str) -> None:
    log = tmp_path / "acknowledged.log"
    arguments = ("--log", str(log), "--owners", "acct_1", "--rate", "1000")
    assert_killed(host.start("-m", "tests.crash.recorder", *arguments, CRASH_AT=point))
    assert log.read_text() == ""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", API_POINTS)
def test_the_api_dies_there(host: Host, api_key: str, point: str) -> None:
    assert_killed(host.start("-m", "tests.crash.paying", api_key, "pm_card_visa", CRASH_AT=point))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", SETTLEMENT_POINTS)
def test_a_settlement_dies_there(host: Host, api_key: str, point: str) -> None:
    payer = host.start("-m", "tests.crash.paying", api_key, "pm_usBankAccount_success")
    assert payer.wait() == 0, payer.output
    assert_killed(host.start("run_settlement", CRASH_AT=point))
    settled = PaymentIntent.objects.get().status == "succeeded"
    assert settled == (point == "after_settlement")


@pytest.mark.django_db(transaction=True)
def test_those_that_hand_out_and_their_workers_die_there(host: Host, receiver: Receiver) -> None:
    with running_broker("redis") as broker:
        make_endpoint(url=receiver.url())
        to_broker = ("--broker", broker.url)
        for point in HINTING_POINTS:
            record(3)
            dispatcher = host.start("run_dispatcher", "--executor", "dramatiq", *to_broker, CRASH_AT=point)
            assert_killed(dispatcher)
        handing_out = host.start("run_dispatcher", "--executor", "dramatiq", *to_broker)
        for point in WORKER_POINTS:
            record(3)
            assert_killed(host.start("run_worker", *to_broker, CRASH_AT=point))
        handing_out.kill()
