"""Tables of results: a row a contender, its rounds summed up, beside the one it is compared with."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.series import median, ratio

_HEAD = ("min", "median", "max", "ratio")


@dataclass(slots=True, kw_only=True)
class Table:
    """Values of one kind, by row; each row has one value a round."""

    title: str
    unit: str
    base: str | None = None  # the row that ratios are taken against
    rows: dict[str, list[float]] = field(default_factory=dict)

    def add(self, row: str, value: float) -> None:
        self.rows.setdefault(row, []).append(value)

    def median(self, row: str) -> float:
        return median(self.rows[row])

    def ratio(self, row: str, base: str | None = None) -> float:
        """Of this row to `base`, or to the table's own; the median over the rounds."""
        return ratio(self.rows[row], self.rows[base or self.base or row])

    def has(self, *rows: str) -> bool:
        return all(self.rows.get(row) for row in rows)


def text(table: Table) -> str:
    """For a terminal."""
    cells = _cells(table)
    width = max(len(name) for name, *_ in cells) + 2
    lines = [f"{table.title}, {table.unit}", " " * width + "".join(f"{name:>10}" for name in _HEAD)]
    lines += [f"{name:{width}}" + "".join(f"{cell:>10}" for cell in rest) for name, *rest in cells]
    return "\n".join(line.rstrip() for line in lines)


def markdown(table: Table) -> str:
    """For a document."""
    head = f"| {table.title}, {table.unit} | " + " | ".join(_HEAD) + " |"
    lines = [head, "| --- |" + " ---: |" * len(_HEAD)]
    lines += ["| " + " | ".join(cells) + " |" for cells in _cells(table)]
    return "\n".join(lines)


def _cells(table: Table) -> list[tuple[str, ...]]:
    compared = table.base is not None and table.has(table.base)
    return [
        (
            name,
            *map(number, (min(values), median(values), max(values))),
            f"{table.ratio(name):.2f}"
            if compared and _same_rounds(values, table.rows[table.base or ""])
            else "",
        )
        for name, values in table.rows.items()
        if values
    ]


def _same_rounds(values: Sequence[float], base: Sequence[float]) -> bool:
    return len(values) == len(base) and all(base)


def number(value: float) -> str:
    """As many digits as say something: 16,204, 84.3, 2.41, 0.062."""
    if value and abs(value) < 0.1:
        return f"{value:.3f}"
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}"
