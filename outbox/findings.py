"""What a check finds: an id, what is wrong, what to do, and where more of it is written.

Each room has a catalogue of the entries that its checks may name; `manage.py check` and `webhooks doctor` show the
same words.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from django.core.checks import CheckMessage
from django.core.checks import Error as CheckError
from django.core.checks import Warning as CheckWarning

PAGE = "docs/reference/checks.md"


class Level(StrEnum):
    ERROR = "error"  # it does not work, or not for long
    WARNING = "warning"  # it works, and will not where something else happens


@dataclass(frozen=True, slots=True)
class Entry:
    """What a catalogue knows of an id."""

    title: str  # what is wrong, without the figures of the case
    remedy: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong here and now."""

    id: str  # `dispatcher.W002`: the room, E or W, a number
    sentence: str
    remedy: str

    @property
    def level(self) -> Level:
        return Level.ERROR if self.id.partition(".")[2].startswith("E") else Level.WARNING

    @property
    def link(self) -> str:
        """Where the page of checks tells of it."""
        return f"{PAGE}#{anchor(self.id)}"

    def message(self) -> CheckMessage:
        """For Django's checks."""
        kind = CheckError if self.level is Level.ERROR else CheckWarning
        return kind(self.sentence, hint=f"{self.remedy} More: {self.link}", id=self.id)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look found: that it is well, with the figures, or what is wrong."""

    told: str
    finding: Finding | None = None


Look = Callable[[], Iterator[Seen]]


def anchor(id: str) -> str:
    """Of the heading on the page."""
    return id.lower().replace(".", "")


def finding(catalogue: Mapping[str, Entry], id: str, sentence: str) -> Finding:
    """With the remedy of the catalogue."""
    return Finding(id, sentence, catalogue[id].remedy)


def seen_wrong(catalogue: Mapping[str, Entry], id: str, sentence: str) -> Seen:
    """A look's finding, with the remedy of the catalogue."""
    return Seen(sentence, finding(catalogue, id, sentence))


def span_text(span: timedelta) -> str:
    minutes = span.total_seconds() / 60
    return (
        f"{minutes / 60:.1f} h"
        if minutes >= 120
        else f"{minutes:.0f} min"
        if minutes >= 2
        else f"{minutes * 60:.0f} s"
    )


def size_text(size: int) -> str:
    """Of bytes."""
    return f"{size / 1024**3:,.1f} GiB" if size >= 1024**3 else f"{size / 1024**2:,.0f} MiB"
