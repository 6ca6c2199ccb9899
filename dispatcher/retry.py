"""What to do after an attempt: one pure function from an outcome to a decision."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from dispatcher.errors import DispatcherError
from dispatcher.failures import FailureCode
from dispatcher.outcomes import Outcome
from dispatcher.reasons import Reason

_FIRST_RETRIES = (
    timedelta(seconds=1),
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=8),
)

# Another try would send the same thing to the same refusal: only a person can change the outcome.
_PERMANENT = frozenset(
    {
        FailureCode.BLOCKED_ADDRESS,
        FailureCode.INVALID_URL,
        FailureCode.SECRET_UNDECRYPTABLE,
        FailureCode.UNRENDERABLE,
    }
)

SCHEDULE_OVER = Reason.SCHEDULE_OVER.value


def build_schedule(
    *,
    first: tuple[timedelta, ...] = _FIRST_RETRIES,
    then_every: timedelta = timedelta(hours=12),
    within: timedelta = timedelta(days=3),
) -> tuple[timedelta, ...]:
    """`first`, then `then_every` as often as the sum of all waits stays within `within`."""
    repeats = max(0, (within - sum(first, timedelta())) // then_every)
    return first + (then_every,) * repeats


DEFAULT_SCHEDULE = build_schedule()


class InvalidRetryPolicy(DispatcherError, ValueError):
    """The retry policy contradicts itself; `problems` lists everything that is wrong."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("invalid retry policy: " + "; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how far apart a failing delivery is attempted.

    Raises:
        InvalidRetryPolicy: with every problem listed.
    """

    schedule: tuple[timedelta, ...] = (
        DEFAULT_SCHEDULE  # wait before attempt 2, 3, …; its end is the last attempt
    )
    jitter: float = 0.1  # each wait is spread by up to this fraction, so that retries do not march in step
    retry_after_cap: timedelta = timedelta(hours=24)  # no Retry-After holds a lane longer than this

    def __post_init__(self) -> None:
        problems = []
        if not all(wait > timedelta() for wait in self.schedule):
            problems.append("every wait of the schedule must be positive")
        if any(later < earlier for earlier, later in pairwise(self.schedule)):
            problems.append("the waits of the schedule must never decrease")
        if not 0 <= self.jitter < 1:
            problems.append(f"jitter must be at least 0 and below 1, not {self.jitter}")
        if self.retry_after_cap <= timedelta():
            problems.append("retry_after_cap must be positive")
        if problems:
            raise InvalidRetryPolicy(problems)

    @property
    def max_attempts(self) -> int:
        """The first attempt and one for each wait of the schedule."""
        return len(self.schedule) + 1


@dataclass(frozen=True, slots=True)
class Succeed:
    """The endpoint has the event."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again `after` this wait; nothing else goes to the endpoint for `hold`, where it asked for that."""

    after: timedelta
    hold: timedelta | None = None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """No further attempt: `reason` is "schedule_over" or the failure code that no retry can mend."""

    reason: str


@dataclass(frozen=True, slots=True)
class Gone:
    """410: this delivery is dead-lettered and its endpoint disabled."""


SUCCEED = Succeed()  # one for all

Decision = Succeed | Retry | DeadLetter | Gone


def decide(outcome: Outcome, *, attempt_number: int, policy: RetryPolicy, jitter: float) -> Decision:
    """The decision after attempt `attempt_number` (from 1).

    Parameters:
        jitter: a number in [-1, 1] that the caller drew; the policy's fraction scales it.

    A stale connection is retried at once: the fault was the connection's age, not the endpoint. It counts as
    an attempt all the same, so an endpoint that always closes cannot make us send for ever.
    """
    if outcome.succeeded:
        return SUCCEED
    code = outcome.failure_code
    if code is FailureCode.HTTP_410_GONE:
        return Gone()
    if code in _PERMANENT:
        return DeadLetter(str(code))
    if attempt_number >= policy.max_attempts:
        return DeadLetter(SCHEDULE_OVER)
    if code is FailureCode.STALE_CONNECTION:
        return Retry(after=timedelta())
    wait = policy.schedule[attempt_number - 1] * (1 + policy.jitter * jitter)
    hold = _requested_hold(outcome, policy)
    return Retry(after=wait if hold is None else max(wait, hold), hold=hold)


def _requested_hold(outcome: Outcome, policy: RetryPolicy) -> timedelta | None:
    """What a 429 or 503 asked for; a 429 that does not say how long holds for the schedule's first wait."""
    if outcome.retry_after is None:
        return policy.schedule[0] if outcome.failure_code is FailureCode.HTTP_429 else None
    if outcome.retry_after <= timedelta():
        return None
    return min(outcome.retry_after, policy.retry_after_cap)
