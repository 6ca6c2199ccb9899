"""Lines for people: numbered steps with their time, aligned, coloured where a terminal shows colour."""

from __future__ import annotations

import os
import sys
import time

COLUMNS = 72
COLOURS = {"green": "32", "red": "31", "dim": "2", "bold": "1"}


def coloured(text: str, colour: str) -> str:
    """The text in a colour, where stdout is a terminal or FORCE_COLOR is set, unless NO_COLOR is."""
    if os.environ.get("NO_COLOR") or not (sys.stdout.isatty() or os.environ.get("FORCE_COLOR")):
        return text
    return f"\033[{COLOURS[colour]}m{text}\033[0m"


def say(line: str = "") -> None:
    print(line, flush=True)


class Step:
    """One numbered line: shown as it begins on a terminal, and with its result and seconds when it ends.

    Leaving the block by an exception marks the step as failed.
    """

    def __init__(self, number: int, total: int, title: str) -> None:
        self.title = title
        self._prefix = f"[{number}/{total}] "
        self._began = time.monotonic()

    def __enter__(self) -> Step:
        self.progress("")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        word = coloured("ok", "green") if kind is None else coloured("failed", "red")
        line = self._prefix + self.title
        seconds = coloured(f"{time.monotonic() - self._began:6.1f}s", "dim")
        self._clear()
        say(f"{line:<{COLUMNS}} {word}{seconds}")

    def progress(self, detail: str) -> None:
        """Show where the step is; only a terminal has the place for it."""
        if sys.stdout.isatty():
            self._clear()
            line = f"{self._prefix}{self.title}  {detail}"
            sys.stdout.write(line[: _width() - 1])
            sys.stdout.flush()

    def _clear(self) -> None:
        if sys.stdout.isatty():
            sys.stdout.write("\r\033[K")


def _width() -> int:
    try:
        return os.get_terminal_size().columns or COLUMNS
    except OSError:
        return COLUMNS
