"""How long each phase of an attempt took, as a bar."""

from collections.abc import Sequence
from dataclasses import dataclass

from dispatcher.models import Attempt

WIDTH, HEIGHT = 320, 10
_LEAST = 2.0  # a phase that took next to nothing can be seen all the same


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of an attempt."""

    name: str
    milliseconds: float
    tone: str  # a class of style.css
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Phases:
    """The whole attempt."""

    parts: Sequence[Phase]
    total_ms: float
    words: str


def phases_of(row: Attempt) -> Phases | None:
    """None where nothing was measured."""
    if row.total_ms is None:
        return None
    named = [
        ("DNS", row.dns_ms, "idle"),
        ("TCP", row.connect_ms, "warn"),
        ("TLS", row.tls_ms, "busy"),
        ("waiting for the answer", row.first_byte_ms, "ok"),
    ]
    known = [(name, value, tone) for name, value, tone in named if value is not None]
    rest = row.total_ms - sum(value for _, value, _ in known)
    if rest > 0.05 or not known:
        # Without a first byte it is the phase that never ended.
        known.append(
            ("reading the answer" if row.first_byte_ms is not None else "until it ended", rest, "rest")
        )
    whole = sum(max(value, 0.0) for _, value, _ in known) or 1.0
    free = WIDTH - _LEAST * len(known)
    parts, x = [], 0.0
    for name, value, tone in known:
        width = _LEAST + free * max(value, 0.0) / whole
        parts.append(Phase(name, value, tone, round(x, 1), round(width, 1)))
        x += width
    words = ", ".join(f"{name} {value:.1f} ms" for name, value, _ in known)
    return Phases(parts, row.total_ms, f"{words}; {row.total_ms:.1f} ms in all")
