"""What the bench must show, in one table; each run ends by telling which of it was met."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bench.tables import number


@dataclass(frozen=True, slots=True)
class Target:
    scenario: str  # its letter
    figure: str  # the name under which the scenario reports it
    words: str  # what it is
    comparison: Literal["≥", "≤", "<"]
    bound: float
    unit: str = ""

    @property
    def bound_in_words(self) -> str:
        return f"{self.comparison} {self.bound:,g}{_of(self.unit)}"

    def is_met(self, value: float) -> bool:
        match self.comparison:
            case "≥":
                return value >= self.bound
            case "≤":
                return value <= self.bound
            case "<":
                return value < self.bound


TARGETS = (
    Target("a", "product_to_bare", "drain: product / bare loop, the least of all pairs", "≥", 0.75),
    Target("a", "product_to_textbook", "drain: product / the textbook way", "≥", 10),
    Target("a", "rabbitmq_to_local", "drain: dramatiq on RabbitMQ / local", "≥", 0.5),
    Target("a", "redis_to_local", "drain: dramatiq on Redis / local", "≥", 0.5),
    Target("a", "metrics_on_to_off", "drain: with metrics / without", "≥", 0.97),
    Target("b", "delivered_at_4000", "sustained: delivered of 4,000 events/s recorded", "≥", 0.98),
    Target("b", "backlog_growth_at_4000", "sustained: growth of the backlog at 4,000/s", "≤", 40, "/s"),
    Target("b", "p50_at_100", "commit to receipt at 100/s, p50", "≤", 2.4, "ms"),
    Target("b", "p99_at_100", "commit to receipt at 100/s, p99", "≤", 4.6, "ms"),
    Target("b", "p50_at_500", "commit to receipt at 500/s, p50", "<", 6, "ms"),
    Target("b", "p99_at_500", "commit to receipt at 500/s, p99", "<", 15, "ms"),
    Target("c", "p99_to_healthy", "fairness: p99 of the healthy beside hostile ones / alone", "≤", 1.2),
    Target("c", "throughput_to_healthy", "fairness: throughput of the same", "≥", 0.95),
    Target("d", "history_ms", "claim cost, ms: by finished history, largest / smallest", "≤", 1.3),
    Target("d", "history_buffers", "claim cost, buffers: by finished history, largest / smallest", "≤", 1.3),
    Target("d", "pending_ms", "claim cost, ms: by pending behind one dead endpoint", "≤", 1.3),
    Target("d", "pending_buffers", "claim cost, buffers: by pending behind one dead endpoint", "≤", 1.3),
    Target("d", "endpoints_ms", "claim cost, ms: by endpoints", "≤", 1.3),
    Target("d", "endpoints_buffers", "claim cost, buffers: by endpoints", "≤", 1.3),
    Target("e", "create_to_bare", "API: create / bare view of the same rows", "≥", 0.5),
    Target("e", "api_metrics_on_to_off", "API: create with metrics / without", "≥", 0.97),
    Target("f", "memory_to_empty", "memory: most pending / none", "≤", 1.1),
    Target("g", "created_to_bare", "end to end: created / the bare view's rate", "≥", 0.5),
    Target("g", "delivered_to_bare", "end to end: delivered / the bare view's rate", "≥", 0.5),
    Target("h", "delivered", "slow receivers: 2 processes of 1,000 slots", "≥", 8_000, "/s"),
    Target("i", "rate_1", "rollups: drain of 1 endpoint, kept / not kept", "≥", 0.97),
    Target("i", "rate_1000", "rollups: drain of 1,000 endpoints, kept / not kept", "≥", 0.97),
    Target("i", "cpu_1", "rollups: CPU of 1 endpoint's deliveries, not kept / kept", "≥", 0.97),
    Target("i", "cpu_1000", "rollups: CPU of 1,000 endpoints' deliveries, not kept / kept", "≥", 0.97),
    Target("i", "cpu_failing", "lists: CPU of failing attempts, without their indexes / with", "≥", 0.95),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    target: Target
    value: float | None  # None where the figure was not measured

    @property
    def word(self) -> str:
        if self.value is None:
            return "not measured"
        return "met" if self.target.is_met(self.value) else "MISSED"

    def __str__(self) -> str:
        target = self.target
        value = "" if self.value is None else f"{number(self.value)}{_of(target.unit)}"
        return f"{self.word:13}{target.scenario}  {target.words}: {value} ({target.bound_in_words})"


def judge(scenario: str, figures: Mapping[str, float]) -> list[Verdict]:
    """The targets of one scenario, held against what it measured.

    Raises:
        ValueError: a figure belongs to no target.
    """
    targets = [target for target in TARGETS if target.scenario == scenario]
    if unknown := figures.keys() - {target.figure for target in targets}:
        raise ValueError(f"no target for {', '.join(sorted(unknown))} of scenario {scenario}")
    return [Verdict(target, figures.get(target.figure)) for target in targets]


def _of(unit: str) -> str:
    return unit if unit.startswith("/") else f" {unit}".rstrip()
