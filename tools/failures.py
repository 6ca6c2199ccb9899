"""The one way a tool fails: a sentence, the command, its last lines, one suggestion."""

from __future__ import annotations

from pathlib import Path

TAIL_LINES = 12


class Failure(Exception):
    """Something this tool started or needs did not work; `str()` is what the person reads."""

    def __init__(self, sentence: str, *, command: str = "", output: str = "", suggestion: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.command = command
        self.output = output
        self.suggestion = suggestion

    def __str__(self) -> str:
        lines = [self.sentence]
        if self.command:
            lines.append(f"  command: {self.command}")
        lines += [f"  | {line}" for line in self.output.strip().splitlines()[-TAIL_LINES:]]
        if self.suggestion:
            lines.append(f"  try: {self.suggestion}")
        return "\n".join(lines)


def tail(path: Path) -> str:
    """The last lines of a log, or nothing where there is no log yet."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-TAIL_LINES:])
    except OSError:
        return ""
