"""Drawings of results: one SVG a scenario, the same bytes for the same figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.series import median
from bench.tables import Table, number

_INK, _GREY, _PALE, _ACCENT = "#22272e", "#5d6672", "#d5dae1", "#2457c5"
_COLOURS = (_ACCENT, "#c2571a", "#3b8a4f", "#8a4fb0", "#7a828e")
_WIDTH = 7.6  # inches
_BAR = 0.3
_ROOM = 0.5  # for a plot's title


@dataclass(frozen=True, slots=True)
class Bars:
    """Medians of a table's rows, with a line from the least round to the most."""

    table: Table
    accent: str = "product"  # rows that begin so are ours
    targets: Mapping[str, float] = field(default_factory=dict)  # words → where a line is drawn

    @property
    def height(self) -> float:
        return _ROOM + _BAR * len(self.table.rows)


@dataclass(frozen=True, slots=True)
class Stacks:
    """Medians of rows named `whole: part`, the parts of each whole in one bar."""

    table: Table

    @property
    def wholes(self) -> list[str]:
        return list(dict.fromkeys(row.rpartition(": ")[0] for row in self.table.rows))

    @property
    def height(self) -> float:
        return _ROOM + 0.3 + _BAR * len(self.wholes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Series of points."""

    title: str
    x: str
    y: str
    series: Mapping[str, Sequence[tuple[float, float]]]
    logarithmic_x: bool = False
    height: float = 2.9


Plot = Bars | Stacks | Lines


def draw(plots: Sequence[Plot], title: str, path: Path) -> None:
    """All plots of a scenario, one below the other; nothing where there is none."""
    if not plots:
        return
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    style: Any = {
        "svg.hashsalt": "bench",
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "font.size": 9,
        "axes.edgecolor": _PALE,
        "axes.labelcolor": _INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlelocation": "left",
        "axes.titlesize": 9.5,
        "text.color": _INK,
        "xtick.color": _INK,
        "ytick.color": _INK,
    }
    with pyplot.rc_context(style):
        heights = [plot.height for plot in plots]
        figure, axes = pyplot.subplots(
            len(plots),
            1,
            figsize=(_WIDTH, sum(heights) + 0.55),
            height_ratios=heights,
            squeeze=False,
            layout="constrained",
        )
        figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
        figure.supxlabel(_legend(plots), x=0.01, ha="left", fontsize=8, color=_GREY)
        for axis, plot in zip(axes[:, 0], plots, strict=True):
            match plot:
                case Bars():
                    _bars(axis, plot)
                case Stacks():
                    _stacks(axis, plot)
                case Lines():
                    _lines(axis, plot)
        figure.savefig(path, metadata={"Date": None})
        pyplot.close(figure)


def _bars(axis: Any, plot: Bars) -> None:
    table = plot.table
    names = list(table.rows)
    middles = [median(values) for values in table.rows.values()]
    whiskers = [
        [middle - min(values) for middle, values in zip(middles, table.rows.values(), strict=True)],
        [max(values) - middle for middle, values in zip(middles, table.rows.values(), strict=True)],
    ]
    colours = [_ACCENT if name.startswith(plot.accent) else "#9aa3af" for name in names]
    axis.barh(names, middles, height=0.62, color=colours)
    axis.errorbar(middles, names, xerr=whiskers, fmt="none", ecolor=_INK, elinewidth=0.9, capsize=2)
    reach = max(max(values) for values in table.rows.values())
    for name, middle, values in zip(names, middles, table.rows.values(), strict=True):
        axis.text(max(middle, *values) + reach * 0.012, name, number(middle), va="center", fontsize=8.5)
    for words, where in plot.targets.items():
        axis.axvline(where, color="#c2571a", linewidth=1, linestyle="--")
        axis.text(where, -0.62, f" {words}", color="#c2571a", fontsize=8, va="bottom")
    axis.set_xlim(0, max(reach, *plot.targets.values(), 0) * 1.12)
    _dress_bars(axis, table, len(names))


def _stacks(axis: Any, plot: Stacks) -> None:
    table, wholes = plot.table, plot.wholes
    parts = list(dict.fromkeys(row.rpartition(": ")[2] for row in table.rows))
    ends = [0.0] * len(wholes)
    for part, colour in zip(parts, _COLOURS, strict=False):
        rows = [table.rows.get(f"{whole}: {part}") for whole in wholes]
        widths = [median(values) if values else 0.0 for values in rows]
        axis.barh(wholes, widths, left=ends, height=0.62, color=colour, label=part)
        ends = [end + width for end, width in zip(ends, widths, strict=True)]
    for whole, end in zip(wholes, ends, strict=True):
        axis.text(end + max(ends) * 0.012, whole, number(end), va="center", fontsize=8.5)
    axis.set_xlim(0, max(ends) * 1.12)
    axis.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(0, 0), ncols=len(parts))
    _dress_bars(axis, table, len(wholes))


def _dress_bars(axis: Any, table: Table, count: int) -> None:
    axis.set_ylim(count - 0.5, -0.5)
    axis.set_title(f"{table.title}, {table.unit}")
    axis.tick_params(length=0)
    axis.spines["bottom"].set_visible(False)
    axis.xaxis.set_visible(False)


def _lines(axis: Any, plot: Lines) -> None:
    for colour, (name, points) in zip(_COLOURS * 3, plot.series.items(), strict=False):
        xs, ys = zip(*points, strict=True)
        dense = len(points) > 40
        axis.plot(
            xs, ys, color=colour, label=name, linewidth=1.4, marker=None if dense else "o", markersize=3.5
        )
    if plot.logarithmic_x:
        axis.set_xscale("symlog", linthresh=1)
    axis.set_ylim(bottom=0)
    axis.set_title(plot.title)
    axis.set_xlabel(plot.x)
    axis.set_ylabel(plot.y)
    axis.grid(axis="y", color=_PALE, linewidth=0.6)
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value == int(value) else f"{value:g}")
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    if len(plot.series) > 1:
        axis.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _legend(plots: Sequence[Plot]) -> str:
    rounds = [len(values) for plot in plots if isinstance(plot, Bars) for values in plot.table.rows.values()]
    return f"Bars: median; lines on them: least to most of {max(rounds)} rounds." if rounds else ""
