"""Random schedules of the model's steps on real connections: the product takes the same ones, and no others.

REPLAY_EXAMPLES=500 makes it longer.
"""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from outbox.sql import prepared
from tests.dispatcher.scenes import query
from tests.model.processes import STATEMENTS, RealProcess
from tests.model.protocol import Step
from tests.model.replay import CLOCK, Drifted, Replay, clear_tables, prepare_session
from tests.model.tables import Faults, Setup

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres_versions]

EXAMPLES = int(os.environ.get("REPLAY_EXAMPLES", "12"))
FAULTS = Faults(crashes=1, stalls=2, drains=1)
ANSWERS = ("succeeded", "failed", "busy")
RECORDS = (("record", 0), ("record", 1))

WORLDS = (
    Setup("plain", "", keys=(0, 1), answers=ANSWERS, faults=FAULTS, cap=1),
    Setup("two lanes", "", endpoints=2, answers=ANSWERS, faults=FAULTS),
    Setup("by hand", "", answers=ANSWERS, scripts=((*RECORDS[:1], ("resend", 0, 0)),), recorded=False, faults=FAULTS),
    Setup("disabling", "", keys=(0, 1), answers=ANSWERS, scripts=((("disable", 0), ("enable", 0)),), faults=FAULTS),
    Setup("stopping", "", answers=ANSWERS, scripts=((("stop", 0, 0, 0),),), faults=FAULTS),
    Setup("order", "", keys=(0, 0), ordered=True, answers=ANSWERS, scripts=(RECORDS,), recorded=False, faults=FAULTS),
    Setup("circuit", "", keys=(0, 1), circuit=True, answers=ANSWERS, faults=FAULTS, past_of_sends=40),
    Setup("workers", "", dispatchers=1, workers=1, answers=ANSWERS, faults=FAULTS._replace(broker=1)),
)  # fmt: skip


@pytest.fixture
def processes() -> Iterator[list[RealProcess]]:
    query(CLOCK)
    started = [RealProcess(prepare_session) for _ in range(3)]
    for process in started:
        process.start()
    yield started
    for process in started:
        process.close()
    clear_tables()
    query("DROP SCHEMA replay CASCADE")


@pytest.fixture
def unguarded(settings: Any) -> Callable[[Setup], None]:
    """Set the circuit as a world has it."""

    def set_circuit(setup: Setup) -> None:
        settings.DISPATCHER = {
            **settings.DISPATCHER,
            "CIRCUIT_THRESHOLD": 1 if setup.circuit else 10_000,
            "CIRCUIT_PAUSE": timedelta(hours=1),
            "CIRCUIT_PAUSE_CAP": timedelta(hours=1),
            "DISABLE_AFTER": None,
        }

    return set_circuit


@pytest.mark.parametrize("world", WORLDS, ids=[world.name for world in WORLDS])
def test_the_product_goes_the_way_of_the_model(
    world: Setup, processes: list[RealProcess], unguarded: Callable[[Setup], None]
) -> None:
    unguarded(world)

    class Schedule(RuleBasedStateMachine):
        @initialize()
        def begin(self) -> None:
            clear_tables()
            self.replay = Replay(world, processes)

        @rule(choice=st.integers(0, 10_000))
        def step(self, choice: int) -> None:
            steps = self.replay.steps()
            if steps:
                self.replay.take(steps[choice % len(steps)][0])

        def teardown(self) -> None:
            if hasattr(self, "replay"):
                self.replay.close()

    run_state_machine_as_test(
        Schedule,
        settings=hypothesis.settings(
            max_examples=EXAMPLES,
            stateful_step_count=60,
            suppress_health_check=list(hypothesis.HealthCheck),
        ),
    )


def take(replay: Replay, *names: str) -> None:
    for said in names:
        name, _, index = said.partition("@")
        replay.take(_find(replay, name, int(index or -1)))


def _find(replay: Replay, name: str, index: int) -> Step:
    return next(step for step, _ in replay.steps() if step.name == name and step.process in {index, -1})


def test_a_statement_without_its_fence_drifts_from_the_model(
    processes: list[RealProcess], unguarded: Callable[[Setup], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = Setup("fence", "", faults=Faults(stalls=2))
    unguarded(world)
    fence = "AND locked.claim_no = result.claim_no\n     AND locked.attempt_id = result.attempt_id"
    text = prepared("dispatcher.sql", "record_outcomes").text
    assert fence in text
    claim = ["lock_ready_lanes", "lease_deliveries", "schedule_lanes", "commit"]
    way = ["fan_out_events@0", "touch_lanes@0", *(f"{name}@0" for name in claim), "send@0", "answer@0"]
    way += ["time", "time", "fan_out_events@1", *(f"{name}@1" for name in claim)]

    replay = Replay(world, processes)
    take(replay, *way, "record_outcomes@0")
    replay.close()

    unfenced = text.replace(fence, "")
    monkeypatch.setattr("dispatcher.recording.prepared", lambda package, name: unfenced)
    monkeypatch.setitem(STATEMENTS, unfenced, "record_outcomes")
    clear_tables()
    replay = Replay(world, processes)
    take(replay, *way)
    with pytest.raises(Drifted, match=r"'delivery', 0, 0, 0\): model Delivery.*, tables None"):
        take(replay, "record_outcomes@0")
    replay.close()
