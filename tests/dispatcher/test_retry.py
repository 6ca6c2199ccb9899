"""The retry schedule and every way from an outcome to a decision."""

from datetime import timedelta

import pytest

from dispatcher.outcomes import FailureCode, Outcome
from dispatcher.retry import (
    DEFAULT_SCHEDULE,
    SCHEDULE_OVER,
    DeadLetter,
    Decision,
    Gone,
    InvalidRetryPolicy,
    Retry,
    RetryPolicy,
    Succeed,
    build_schedule,
    decide,
)

POLICY = RetryPolicy()
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)

AT_ONCE_DEAD = {
    FailureCode.BLOCKED_ADDRESS,
    FailureCode.INVALID_URL,
    FailureCode.SECRET_UNDECRYPTABLE,
    FailureCode.UNRENDERABLE,
}


def failed(code: FailureCode, *, retry_after: timedelta | None = None) -> Outcome:
    return Outcome(succeeded=False, failure_code=code, retry_after=retry_after)


def decision(
    outcome: Outcome, *, attempt_number: int = 1, policy: RetryPolicy = POLICY, jitter: float = 0.0
) -> Decision:
    return decide(outcome, attempt_number=attempt_number, policy=policy, jitter=jitter)


def test_default_schedule_is_the_published_one() -> None:
    assert [wait.total_seconds() for wait in DEFAULT_SCHEDULE] == [
        1, 5, 30, 120, 600, 3600, 10800, 28800, 43200, 43200, 43200, 43200,
    ]  # fmt: skip
    assert sum(DEFAULT_SCHEDULE, timedelta()) <= timedelta(days=3) < sum(DEFAULT_SCHEDULE, 12 * HOUR)
    assert POLICY.max_attempts == 13


def test_schedule_without_room_for_repeats_is_its_beginning() -> None:
    assert build_schedule(first=(SECOND,), then_every=HOUR, within=SECOND) == (SECOND,)


def test_success_ends_the_delivery() -> None:
    assert decision(Outcome(succeeded=True, status=200)) == Succeed()


@pytest.mark.parametrize(
    "code",
    sorted(
        set(FailureCode)
        - AT_ONCE_DEAD
        - {FailureCode.HTTP_410_GONE, FailureCode.HTTP_429, FailureCode.STALE_CONNECTION}
    ),
)
def test_failure_that_may_pass_is_retried_on_schedule_until_its_end(code: FailureCode) -> None:
    made = [decision(failed(code), attempt_number=number) for number in range(1, 14)]

    assert made == [*(Retry(after=wait) for wait in DEFAULT_SCHEDULE), DeadLetter(SCHEDULE_OVER)]


@pytest.mark.parametrize("code", sorted(AT_ONCE_DEAD))
def test_failure_that_no_retry_mends_is_dead_lettered_at_once(code: FailureCode) -> None:
    assert decision(failed(code)) == DeadLetter(code)


@pytest.mark.parametrize("attempt_number", [1, 13])
def test_410_disables_the_endpoint_at_any_attempt(attempt_number: int) -> None:
    assert decision(failed(FailureCode.HTTP_410_GONE), attempt_number=attempt_number) == Gone()


def test_stale_connection_is_retried_at_once_but_not_for_ever() -> None:
    stale = failed(FailureCode.STALE_CONNECTION)

    assert decision(stale, attempt_number=12, jitter=1.0) == Retry(after=timedelta())
    assert decision(stale, attempt_number=13) == DeadLetter(SCHEDULE_OVER)


@pytest.mark.parametrize(("jitter", "seconds"), [(-1.0, 27.0), (0.0, 30.0), (0.5, 31.5), (1.0, 33.0)])
def test_jitter_spreads_a_wait_by_a_tenth(jitter: float, seconds: float) -> None:
    assert decision(failed(FailureCode.HTTP_5XX), attempt_number=3, jitter=jitter) == Retry(
        timedelta(seconds=seconds)
    )


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (2 * SECOND, Retry(after=30 * SECOND, hold=2 * SECOND)),
        (60 * SECOND, Retry(after=60 * SECOND, hold=60 * SECOND)),
        (100 * HOUR, Retry(after=24 * HOUR, hold=24 * HOUR)),
        (timedelta(), Retry(after=30 * SECOND)),
    ],
    ids=["shorter than the schedule", "longer", "beyond the cap", "zero"],
)
def test_retry_after_can_only_lengthen_a_wait_and_holds_the_lane(asked: timedelta, expected: Retry) -> None:
    assert decision(failed(FailureCode.HTTP_429, retry_after=asked), attempt_number=3) == expected


def test_429_that_does_not_say_how_long_holds_the_lane_for_the_first_wait() -> None:
    assert decision(failed(FailureCode.HTTP_429), attempt_number=3) == Retry(after=30 * SECOND, hold=SECOND)
    assert decision(failed(FailureCode.HTTP_5XX), attempt_number=3) == Retry(after=30 * SECOND)


def test_retry_after_does_not_outlast_the_schedule() -> None:
    assert decision(failed(FailureCode.HTTP_5XX, retry_after=HOUR), attempt_number=13) == DeadLetter(
        SCHEDULE_OVER
    )


def test_policy_without_waits_attempts_once() -> None:
    policy = RetryPolicy(schedule=())

    assert decision(failed(FailureCode.HTTP_5XX), policy=policy) == DeadLetter(SCHEDULE_OVER)


def test_invalid_policy_lists_every_problem() -> None:
    with pytest.raises(InvalidRetryPolicy) as caught:
        RetryPolicy(schedule=(HOUR, SECOND, timedelta()), jitter=1.0, retry_after_cap=timedelta())

    assert len(caught.value.problems) == 4
