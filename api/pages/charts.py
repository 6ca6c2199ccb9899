"""Charts, drawn on the server: where each shape lies. The templates of pages/charts/ draw, style.css colours.

Drawings stretch to the room there is, so that they hold no text: labels stand around them, and each chart has its
figures in a table as well.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil, floor, log10
from typing import Self

WIDTH, HEIGHT = 720.0, 160.0
SPARK_WIDTH, SPARK_HEIGHT = 96.0, 24.0
_LEAST = 1.5  # of a value that is not nothing, so that it is seen

Tell = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Shape:
    """A rectangle with a class that colours it."""

    tone: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    """What happened in one span of a chart with stacked bars; values as the chart's series."""

    label: str
    values: Sequence[float]
    href: str | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """One of the things that a chart shows: its name and its class."""

    label: str
    tone: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A column as it is drawn, with its words and its link."""

    words: str
    href: str | None
    shapes: Sequence[Shape]
    hit: Shape  # as high as the chart: what is pointed at


@dataclass(frozen=True, slots=True)
class Tick:
    """A value of the scale, and where its line is."""

    label: str
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A drawing between two axes."""

    id: str  # of the elements, unique on its page
    title: str
    series: Sequence[Series]
    bars: Sequence[Bar]
    lines: Sequence[tuple[str, Sequence[str]]] = ()  # (class, points of each unbroken run)
    ticks: Sequence[Tick]  # of the scale, from its top down, evenly spaced
    scale: str = ""  # what is to be known of it
    start: str
    centre: str
    end: str
    rows: Sequence[tuple[str, Sequence[str], str | None]]  # the table: label, cells, link
    width: float = WIDTH
    height: float = HEIGHT

    @property
    def is_empty(self) -> bool:
        return not any(bar.shapes for bar in self.bars) and not any(runs for _, runs in self.lines)


def stacked_bars(
    *,
    id: str,
    title: str,
    series: Sequence[Series],
    columns: Sequence[Column],
    axis: Sequence[str],
    tell: Tell = lambda value: f"{value:,.0f}",
) -> Plot:
    """Bars side by side, each of its column's values on top of one another; `axis` is start, centre and end."""
    most = _round_up(max((sum(column.values) for column in columns), default=0.0))
    step = WIDTH / max(1, len(columns))
    bars = []
    for place, column in enumerate(columns):
        x, width = place * step + step * 0.1, step * 0.8
        bottom, shapes = HEIGHT, []
        for one, value in zip(series, column.values, strict=True):
            if value > 0:
                height = max(_LEAST, value / most * HEIGHT)
                bottom -= height
                shapes.append(Shape(one.tone, _place(x), _place(bottom), _place(width), _place(height)))
        hit = Shape("hit", _place(place * step), 0.0, _place(step), HEIGHT)
        bars.append(Bar(_words(column, series, tell), column.href, shapes, hit))
    return Plot(
        id=id,
        title=title,
        series=series,
        bars=bars,
        ticks=[Tick(tell(most), 0.0), Tick(tell(most / 2), HEIGHT / 2), Tick("0", HEIGHT)],
        start=axis[0],
        centre=axis[1],
        end=axis[2],
        rows=[(column.label, [tell(value) for value in column.values], column.href) for column in columns],
    )


def time_lines(
    *,
    id: str,
    title: str,
    series: Sequence[Series],
    labels: Sequence[str],
    values: Sequence[Sequence[float | None]],
    axis: Sequence[str],
    tell: Tell,
) -> Plot:
    """A line for each series, broken where there is no value; `values` are milliseconds, a sequence for each series.

    Times spread over powers of ten, so the scale is logarithmic: one slow hour does not flatten all the others.
    """
    scale = _Decades.of([value for line in values for value in line if value is not None])
    step = WIDTH / max(1, len(labels))
    rows, bars = [], []
    for place, label in enumerate(labels):
        cells = ["—" if line[place] is None else tell(line[place] or 0.0) for line in values]
        rows.append((label, cells, None))
        named = ", ".join(f"{one.label} {cell}" for one, cell in zip(series, cells, strict=True))
        hit = Shape("hit", _place(place * step), 0.0, _place(step), HEIGHT)
        bars.append(Bar(f"{label}: {named}", None, (), hit))
    drawn = [(one.tone, _runs(line, scale, step)) for one, line in zip(series, values, strict=True)]
    return Plot(
        id=id,
        title=title,
        series=series,
        bars=bars,
        lines=drawn,
        ticks=scale.ticks,
        scale="logarithmic scale",
        start=axis[0],
        centre=axis[1],
        end=axis[2],
        rows=rows,
    )


@dataclass(frozen=True, slots=True)
class _Decades:
    """A logarithmic scale of milliseconds, from 10^bottom to 10^top."""

    bottom: int
    top: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """As many decades as the values need, one at least."""
        logs = [log10(value) for value in values if value > 0] or [0.0]
        # What lies a hair beyond a round number, as sums do, is on it.
        bottom, top = floor(min(logs) + 1e-9), ceil(max(logs) - 1e-9)
        return cls(bottom, max(top, bottom + 1))

    def y(self, milliseconds: float) -> float:
        """Where a value lies; 0, which no such scale reaches, at the bottom."""
        power = log10(milliseconds) if milliseconds > 0 else self.bottom
        return HEIGHT * min(1.0, (self.top - power) / (self.top - self.bottom))

    @property
    def ticks(self) -> list[Tick]:
        powers = range(self.top, self.bottom - 1, -1)
        return [Tick(_round_time(10.0**power), _place(self.y(10.0**power))) for power in powers]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spark:
    """A small drawing in a line of text; its words say what it shows."""

    words: str
    shapes: Sequence[Shape]
    width: float = SPARK_WIDTH
    height: float = SPARK_HEIGHT


def sparkline(succeeded: Sequence[float], failed: Sequence[float]) -> Spark:
    """What succeeded and what failed, span by span, the failures below."""
    most = max((good + bad for good, bad in zip(succeeded, failed, strict=True)), default=0.0)
    step = SPARK_WIDTH / max(1, len(succeeded))
    shapes = []
    for place, values in enumerate(zip(failed, succeeded, strict=True)):
        bottom = SPARK_HEIGHT
        for tone, value in zip(("bad", "ok"), values, strict=True):
            if value > 0:
                height = max(1.0, value / most * SPARK_HEIGHT)
                bottom -= height
                shapes.append(
                    Shape(tone, _place(place * step), _place(bottom), _place(step * 0.85), _place(height))
                )
    total, bad = sum(succeeded) + sum(failed), sum(failed)
    return Spark(words=f"{total:,.0f} attempts, {bad:,.0f} failed", shapes=shapes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A row of a chart with bars that lie: how much of the largest it is."""

    label: str
    value: int
    href: str | None
    tone: str
    length: float  # of 100
    percent: float  # of all


def shares(rows: Sequence[tuple[str, int, str | None]], *, tone: str = "bad") -> list[Share]:
    """Rows of (label, value, link), the largest first."""
    largest = max((value for _, value, _ in rows), default=0) or 1
    total = sum(value for _, value, _ in rows) or 1
    return [
        Share(
            label=label,
            value=value,
            href=href,
            tone=tone,
            length=_place(max(1.0, value / largest * 100)),
            percent=value / total * 100,
        )
        for label, value, href in sorted(rows, key=lambda row: -row[1])
    ]


def time_axis(since: datetime, until: datetime) -> tuple[str, str, str]:
    """What stands below a chart's start, centre and end: times of a day, or days; UTC."""
    return tuple(tick(moment, until - since) for moment in (since, since + (until - since) / 2, until))  # type: ignore[return-value]


def tick(moment: datetime, whole: timedelta) -> str:
    """A moment as short as the span of its chart allows."""
    utc = moment.astimezone(UTC)
    if whole <= timedelta(hours=2):
        return f"{utc:%H:%M}"
    if whole <= timedelta(days=2):
        return f"{utc:%d %b %H:%M}"
    return f"{utc:%d %b}" if whole > timedelta(days=14) else f"{utc:%d %b %H}h"


def _words(column: Column, series: Sequence[Series], tell: Tell) -> str:
    told = ", ".join(
        f"{tell(value)} {one.label}" for one, value in zip(series, column.values, strict=True) if value
    )
    return f"{column.label}: {told or 'nothing'}"


def _runs(line: Sequence[float | None], scale: _Decades, step: float) -> list[str]:
    """The points of each unbroken run, as an SVG has them; a point that stands alone is a short line."""
    runs: list[list[tuple[float, float]]] = [[]]
    for place, value in enumerate(line):
        if value is None:
            runs.append([])
        else:
            runs[-1].append(((place + 0.5) * step, scale.y(value)))
    drawn = []
    for run in filter(None, runs):
        if len(run) == 1:
            (x, y) = run[0]
            run = [(x - step / 2, y), (x + step / 2, y)]
        drawn.append(" ".join(f"{_place(x)},{_place(y)}" for x, y in run))
    return drawn


def _round_time(milliseconds: float) -> str:
    """A power of ten as `0.1 ms`, `10 ms`, `1 s`, `1,000 s`."""
    return f"{milliseconds:g} ms" if milliseconds < 1_000 else f"{milliseconds / 1_000:,.0f} s"


def _round_up(most: float) -> float:
    """The next round number above, whose half is one too; 2 for nothing."""
    if most <= 2:
        return 2.0 if most <= 0 or most > 1 else 1.0
    power = 10.0 ** (ceil(log10(most)) - 1)
    steps = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0) if power >= 10 else (1.0, 2.0, 4.0, 6.0, 10.0)
    return next(step * power for step in steps if step * power >= most * 0.999_999)


def _place(value: float) -> float:
    return round(value, 2)
