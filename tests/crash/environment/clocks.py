"""Processes whose clock is wrong: libfaketime shifts what they read as the time of day, and leaves durations alone."""

from pathlib import Path

from tools.test_dependencies import FAKETIME

_PLACES = ("/usr/lib/*/faketime", "/usr/lib/faketime", "/usr/lib64/faketime", "/usr/local/lib/faketime")
# Of the two the one that is made for programs of several threads.
_LIBRARY = "libfaketimeMT.so.1"


def why_not() -> str | None:
    """In words, why this machine cannot; None where it can."""
    return f"enable with: {FAKETIME.install}" if _library() is None else None


class Clock:
    """The time of day of all processes with its `environment`: right, until it is set."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.set(0)

    def set(self, seconds: int) -> None:
        """So much ahead of the right time, from within a second on."""
        self._file.write_text(f"{seconds:+d}s\n")

    @property
    def environment(self) -> dict[str, str]:
        library = _library()
        assert library is not None, why_not()
        return {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


def _library() -> Path | None:
    return next((path for place in _PLACES for path in Path("/").glob(f"{place[1:]}/{_LIBRARY}")), None)
