"""The table as docs/hostile-endpoints.md shows it; `python -m tests.hostile.page` writes it there."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from tests.hostile.behaviour import FIRST_WAIT, Behaviour, Then
from tests.hostile.table import TABLE

PAGE = Path(__file__).resolve().parents[2] / "docs" / "hostile-endpoints.md"
BEGIN, END = "<!-- table -->\n", "<!-- end of table -->\n"


def tables() -> str:
    """A heading and a table for each section, in Markdown."""
    return "\n".join("\n".join(_section(title, rows)) + "\n" for title, rows in TABLE.items())


def tables_on_page() -> str:
    return PAGE.read_text().partition(BEGIN)[2].partition(END)[0].strip("\n") + "\n"


def _section(title: str, rows: list[Behaviour]) -> Iterator[str]:
    yield f"### {title}\n"
    yield "| behaviour | recorded as | then |"
    yield "| --- | --- | --- |"
    for row in rows:
        yield f"| {row.name} | {_recorded_as(row)} | {_then(row)} |"


def _recorded_as(row: Behaviour) -> str:
    if row.code is None:
        return f"{row.status}, response truncated" if row.truncated else f"{row.status}"
    link = f"[`{row.code}`](reference/failure-codes.md#{row.code})"
    return link if row.status is None or row.then is Then.AT_ONCE else f"{link}, {row.status}"


def _then(row: Behaviour) -> str:
    match row.hold:
        case None:
            return str(row.then)
        case hold if hold == FIRST_WAIT:
            return "retried; nothing else is sent for the schedule's first wait"
        case hold:
            return f"retried; nothing else is sent for {_words(hold)}"


def _words(span: timedelta) -> str:
    seconds = round(span.total_seconds())
    return f"{seconds // 3600} h" if seconds % 3600 == 0 else f"{seconds} s"


def _write() -> None:
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{tables()}\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    _write()
