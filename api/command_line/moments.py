"""Moments as people read them: by their own clock, with its zone, and how far away."""

from datetime import UTC, datetime, timedelta

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def moment_text(moment: datetime | None) -> str | None:
    """For programs."""
    return None if moment is None else moment.astimezone(UTC).isoformat()


def shown_moment(moment: datetime, now: datetime | None = None) -> str:
    """`2026-11-28 14:03:00 UTC, 3 min ago`."""
    local = moment.astimezone()
    return f"{local:%Y-%m-%d %H:%M:%S %Z}, {distance(moment, now or datetime.now(UTC))}"


def clock(moment: datetime) -> str:
    """`14:03:00`, by the clock of whoever reads it."""
    return f"{moment.astimezone():%H:%M:%S}"


def distance(moment: datetime, now: datetime) -> str:
    if moment > now:
        return f"in {shown_span(moment - now)}"
    return f"{shown_span(now - moment)} ago"


def shown_span(span: timedelta) -> str:
    """In its largest unit, and tenths below ten of it: `3 min`, `1.5 h`."""
    seconds = abs(span.total_seconds())
    unit, size = next(((unit, size) for unit, size in _UNITS if seconds >= size), ("s", 1))
    number = seconds / size
    return f"{number:.0f} {unit}" if number >= 10 or number == round(number) else f"{number:.1f} {unit}"
