"""What a command writes: data on standard output, talk on standard error.

On a terminal, or with `--text`, data is for people: lines and tables. Elsewhere, or with `--json`, it is one JSON
object a line. NO_COLOR and FORCE_COLOR are honoured; a colour never says what no word says.
"""

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TextIO

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

Line = str | Text
_SECONDS_BETWEEN_LINES = 5.0
_WIDTH_WITHOUT_TERMINAL = 160
_GAP = 3  # between two columns
_LEAST_WIDTH = 12  # of a column that may be broken over lines
# What a terminal would obey, as a picture of it: paths, URLs and answers are written by strangers.
_SHOWN = {
    **{code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n"},
    0x7F: 0x2421,
    **dict.fromkeys(range(0x80, 0xA0), 0xFFFD),
}


class Tone(StrEnum):
    """How a word is coloured."""

    GOOD = "green"
    BAD = "red"
    WARNING = "yellow"
    QUIET = "dim"
    STRONG = "bold"


def toned(word: str, tone: Tone) -> Text:
    return Text(word, style=tone.value)


def joined(*parts: Line) -> Text:
    """Words and coloured words, with nothing between them."""
    return Text.assemble(*parts)


@dataclass(frozen=True, slots=True)
class Column:
    """One of a table."""

    title: str
    whole: bool = True  # never broken over lines: ids, times, numbers
    right: bool = False


class Output:
    """Where a subcommand writes.

    Parameters:
        as_json: None is whether standard output is no terminal.
        coloured: None is what the environment and the terminal say.
    """

    def __init__(
        self, *, stdout: TextIO, stderr: TextIO, as_json: bool | None = None, coloured: bool | None = None
    ) -> None:
        self._stdout = stdout
        self.as_json = (not stdout.isatty()) if as_json is None else as_json
        self._data = _console(stdout, coloured)
        self._talk = _console(stderr, coloured)
        self._stderr_is_terminal = stderr.isatty()

    @property
    def is_interactive(self) -> bool:
        """Whether somebody could answer a question."""
        return self._stderr_is_terminal and sys.stdin.isatty()

    def ask(self, question: str) -> bool:
        """Whether it is answered with yes; no by default."""
        return self._talk.input(f"{question} [y/N] ").strip().lower() in ("y", "yes")

    def record(self, fields: Mapping[str, Any], *lines: Line) -> None:
        """One thing: as JSON, or as these lines for people."""
        if self.as_json:
            self._stdout.write(json.dumps(fields, ensure_ascii=False, default=str) + "\n")
        else:
            for line in lines:
                self._data.print(_harmless(line), soft_wrap=True)
        self._stdout.flush()

    def text(self, text: str) -> None:
        """Data that is the same for people and programs: a script, a secret."""
        self._stdout.write(f"{text}\n")
        self._stdout.flush()

    def table(
        self,
        columns: Sequence[Column],
        rows: Sequence[tuple[Mapping[str, Any], Sequence[Line]]],
        *,
        nothing: str,
    ) -> None:
        """Things of one kind: each as JSON, or as a row. `nothing` is said where there is none."""
        if self.as_json:
            for fields, _ in rows:
                self.record(fields)
            return
        if not rows:
            self.talk(nothing)
            return
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for column in columns:
            table.add_column(
                column.title,
                no_wrap=column.whole,
                min_width=None if column.whole else _LEAST_WIDTH,
                overflow="fold",
                justify="right" if column.right else "left",
            )
        for _, cells in rows:
            table.add_row(*map(_harmless, cells))
        if _least_width(columns, rows) > self._data.width:
            self._blocks(columns, rows)
        else:
            self._data.print(table)
        self._stdout.flush()

    def _blocks(
        self, columns: Sequence[Column], rows: Sequence[tuple[Mapping[str, Any], Sequence[Line]]]
    ) -> None:
        """A table that the terminal is too narrow for: a line a cell, an empty one between rows."""
        width = max(len(column.title) for column in columns)
        for number, (_, cells) in enumerate(rows):
            if number:
                self._data.print()
            for column, cell in zip(columns, cells, strict=True):
                self._data.print(
                    joined(toned(column.title.ljust(width), Tone.QUIET), "  ", _harmless(cell)),
                    soft_wrap=True,
                )

    def talk(self, line: Line) -> None:
        self._talk.print(_harmless(line), soft_wrap=True)

    def error(self, sentence: str) -> None:
        self.talk(joined(toned("error:", Tone.BAD), f" {sentence}"))

    def warning(self, sentence: str) -> None:
        self.talk(joined(toned("warning:", Tone.WARNING), f" {sentence}"))

    @contextmanager
    def progress(self, title: str, total: int) -> Iterator["Tally"]:
        """How far it is: a bar on a terminal, elsewhere a line every five seconds."""
        if not self._stderr_is_terminal:
            yield _LineTally(self, title, total)
            return
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self._talk,
            transient=True,
        )
        with bar:
            yield _BarTally(bar, title, total)


def _least_width(columns: Sequence[Column], rows: Sequence[tuple[Mapping[str, Any], Sequence[Line]]]) -> int:
    """Of a table that breaks no cell that shall stay whole."""
    least = 0
    for place, column in enumerate(columns):
        cells = [column.title, *(str(cells[place]) for _, cells in rows)]
        least += _GAP + (max(map(cell_len, cells)) if column.whole else _LEAST_WIDTH)
    return least - _GAP


def _harmless(line: Line) -> Line:
    """One character for one: the parts of a coloured text stay where they are."""
    if isinstance(line, str):
        return line.translate(_SHOWN)
    shown = line.copy()
    shown.plain = line.plain.translate(_SHOWN)
    return shown


class Tally:
    """Is told how much is done."""

    def reach(self, done: int) -> None:
        raise NotImplementedError


class _BarTally(Tally):
    def __init__(self, bar: Progress, title: str, total: int) -> None:
        self._bar = bar
        self._task = bar.add_task(title, total=total)

    def reach(self, done: int) -> None:
        self._bar.update(self._task, completed=done)


class _LineTally(Tally):
    def __init__(self, output: Output, title: str, total: int) -> None:
        self._output, self._title, self._total = output, title, total
        self._next = time.monotonic() + _SECONDS_BETWEEN_LINES

    def reach(self, done: int) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _SECONDS_BETWEEN_LINES
            self._output.talk(f"{self._title}: {done:,} of {self._total:,}")


def _console(stream: TextIO, coloured: bool | None) -> Console:
    if coloured is None:
        wanted = bool(os.environ.get("FORCE_COLOR")) or stream.isatty()
        coloured = wanted and not os.environ.get("NO_COLOR")
    return Console(
        file=stream,
        force_terminal=stream.isatty(),
        color_system="standard" if coloured else None,
        markup=False,
        highlight=False,
        emoji=False,
        width=None if stream.isatty() else int(os.environ.get("COLUMNS") or _WIDTH_WITHOUT_TERMINAL),
    )
