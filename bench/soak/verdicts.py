"""What a soak must hold, judged from what was watched; nothing here runs anything."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.latencies import slope
from bench.series import median, percentile
from bench.servers import THREADS, WORKERS
from bench.soak.payers import Answered
from bench.soak.plan import CONNECTIONS_BESIDE_THE_API, FAILING, OVERLOAD, Plan
from bench.soak.sampling import Sample
from bench.targets import Target, Verdict

# Growth over the measured part that is no leak: allocators and caches settle for minutes.
_MEMORY_SHARE, _MEMORY_LEAST = 0.05, 6.0  # of the median; MiB
_DESCRIPTORS_SHARE, _DESCRIPTORS_LEAST = 0.10, 16.0  # connections in flight come and go
_OLDEST_DUE = 10.0  # seconds
# What autovacuum has not come to yet, a minute apart by PostgreSQL's default: rows that a payment leaves dead, for
# two rounds, and what the defaults of a small table allow.
_DEAD_A_PAYMENT, _VACUUM_SECONDS, _DEAD_LEAST = 80, 120, 20_000
_ANSWERED_WITHIN = 5.0  # seconds, p99
_NAME = "soak"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overload:
    """What came of more than could be delivered."""

    capacity: float  # events/s that were delivered at most
    recorded: float  # events/s meanwhile
    answers: Sequence[Answered]  # of the API
    peak: int  # events and deliveries that waited, at most
    drained: float  # seconds from its end until none of them waited


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """All that a soak found."""

    steady: Sequence[Sample]  # after the warm-up
    answers: Sequence[Answered]  # of the steady part
    overload: Overload
    acknowledged: int  # payments and events
    lost: int  # of them, or of what they should have been delivered as
    unended: int  # deliveries that never ended, whatever became of them
    failure_codes: Sequence[str]


def judge(plan: Plan, outcome: Outcome) -> list[Verdict]:
    """Every bound, met or missed."""
    steady, overload = outcome.steady, outcome.overload
    return [
        *_growths("memory", steady, lambda sample: sample.memory, _MEMORY_SHARE, _MEMORY_LEAST, "MiB"),
        *_growths(
            "descriptors", steady, lambda sample: sample.descriptors, _DESCRIPTORS_SHARE, _DESCRIPTORS_LEAST
        ),
        _at_most(
            "connections of PostgreSQL",
            max(sample.connections for sample in steady),
            WORKERS * THREADS + CONNECTIONS_BESIDE_THE_API,
        ),
        _at_most(
            "dead rows of the hot tables",
            max(sample.dead for sample in steady),
            _DEAD_LEAST + _DEAD_A_PAYMENT * _VACUUM_SECONDS * plan.rate,
        ),
        _at_most(
            "age of the oldest due delivery", max(sample.oldest_due for sample in steady), _OLDEST_DUE, "s"
        ),
        _at_most("steady: answers that are no 2xx", _refused(outcome.answers), 0),
        _at_least("kinds of failure at once", len(outcome.failure_codes), len(FAILING)),
        _at_least(
            "overload: events recorded / the most delivered",
            overload.recorded / overload.capacity,
            2 / 3 * OVERLOAD,
        ),
        _at_most("overload: answers that are no 2xx", _refused(overload.answers), 0),
        _at_most("overload: answered, p99", _p99(overload.answers), _ANSWERED_WITHIN, "s"),
        _at_most("overload: drained after", overload.drained, plan.drained_within, "s"),
        _at_most("lost of what was acknowledged", outcome.lost, 0),
        _at_most("deliveries without an end", outcome.unended, 0),
    ]


def growth(points: Sequence[tuple[float, float]]) -> float:
    """By how much a straight line through them rises from the first to the last; never below 0."""
    if len(points) < 2:
        return 0.0
    return max(0.0, slope(points) * (points[-1][0] - points[0][0]))


def _growths(
    what: str,
    samples: Sequence[Sample],
    of: Callable[[Sample], object],
    share: float,
    least: float,
    unit: str = "",
) -> list[Verdict]:
    verdicts = []
    for group in samples[0].memory:
        points = [(sample.at, float(of(sample)[group])) for sample in samples]  # type: ignore[index]
        bound = max(least, share * median([value for _, value in points]))
        verdicts.append(_at_most(f"{what}: growth of {group}", growth(points), round(bound, 1), unit))
    return verdicts


def _refused(answers: Sequence[Answered]) -> int:
    return sum(not 200 <= one.status < 300 for one in answers)


def _p99(answers: Sequence[Answered]) -> float:
    return percentile([one.seconds for one in answers], 99) if answers else 0.0


def _at_most(words: str, value: float, bound: float, unit: str = "") -> Verdict:
    return Verdict(Target(_NAME, words, words, "≤", bound, unit), float(value))


def _at_least(words: str, value: float, bound: float, unit: str = "") -> Verdict:
    return Verdict(Target(_NAME, words, words, "≥", bound, unit), float(value))
