"""How a soak is judged: what grows, is lost or refused misses its bound, and what holds meets all of them."""

from dataclasses import replace
from typing import Any

import pytest

from bench.soak.payers import NO_ANSWER, Answered
from bench.soak.plan import FAILING, Plan
from bench.soak.sampling import Sample
from bench.soak.verdicts import Outcome, Overload, growth, judge

PLAN = Plan.of(minutes=10, rate=10, quick=False)


def sample(at: float, *, memory: float = 100.0, descriptors: int = 50, **changed: Any) -> Sample:
    known = {"connections": 12, "dead": 9_000, "oldest_due": 0.2, "waiting": 5, "backlog": 900, **changed}
    return Sample(
        at=at,
        memory={"API": memory, "dispatcher 1": 80.0},
        descriptors={"API": descriptors, "dispatcher 1": 260},
        **known,
    )


STEADY = [sample(float(at)) for at in range(0, 400, 5)]
ANSWERS = [Answered(float(at), 0.05, 200) for at in range(100)]
HELD = Outcome(
    steady=STEADY,
    answers=ANSWERS,
    overload=Overload(capacity=100.0, recorded=290.0, answers=ANSWERS, peak=50_000, drained=90.0),
    acknowledged=1_000,
    lost=0,
    unended=0,
    failure_codes=[f"code {number}" for number, _ in enumerate(FAILING)],
)


def missed(outcome: Outcome) -> list[str]:
    return [verdict.target.words for verdict in judge(PLAN, outcome) if verdict.word != "met"]


def test_a_run_that_holds_meets_every_bound() -> None:
    assert missed(HELD) == []


def test_memory_that_leaks_is_found_and_memory_that_swings_is_not() -> None:
    leaking = [sample(one.at, memory=100 + one.at / 40) for one in STEADY]
    swinging = [sample(one.at, memory=100 + 15 * (index % 2)) for index, one in enumerate(STEADY)]
    assert missed(replace(HELD, steady=leaking)) == ["memory: growth of API"]
    assert missed(replace(HELD, steady=swinging)) == []


def test_descriptors_that_leak_are_found() -> None:
    leaking = [sample(one.at, descriptors=50 + index) for index, one in enumerate(STEADY)]
    assert missed(replace(HELD, steady=leaking)) == ["descriptors: growth of API"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"connections": 40}, "connections of PostgreSQL"),
        ({"dead": 2_000_000}, "dead rows of the hot tables"),
        ({"oldest_due": 45.0}, "age of the oldest due delivery"),
    ],
)
def test_one_look_beyond_a_bound_misses_it(changed: dict[str, Any], words: str) -> None:
    assert missed(replace(HELD, steady=[*STEADY, sample(405.0, **changed)])) == [words]


@pytest.mark.parametrize("status", [NO_ANSWER, 429, 500, 503])
def test_a_single_answer_that_is_no_success_is_found(status: int) -> None:
    answers = [*ANSWERS, Answered(0.0, 0.1, status)]
    assert missed(replace(HELD, answers=answers)) == ["steady: answers that are no 2xx"]
    overloaded = replace(HELD.overload, answers=answers)
    assert missed(replace(HELD, overload=overloaded)) == ["overload: answers that are no 2xx"]


def test_a_single_lost_one_is_found() -> None:
    assert missed(replace(HELD, lost=1)) == ["lost of what was acknowledged"]
    assert missed(replace(HELD, unended=1)) == ["deliveries without an end"]


def test_an_overload_that_was_none_or_never_drains_is_found() -> None:
    weak = replace(HELD.overload, recorded=150.0)
    stuck = replace(HELD.overload, drained=500.0)
    assert missed(replace(HELD, overload=weak)) == ["overload: events recorded / the most delivered"]
    assert missed(replace(HELD, overload=stuck)) == ["overload: drained after"]


def test_growth_is_that_of_a_straight_line_and_never_negative() -> None:
    assert growth([(0.0, 10.0), (5.0, 15.0), (10.0, 20.0)]) == pytest.approx(10.0)
    assert growth([(0.0, 20.0), (10.0, 10.0)]) == 0.0
    assert growth([(0.0, 20.0)]) == 0.0
