"""Processes whose clock is wrong: libfaketime shifts what they read as the time of day, and leaves durations alone."""

from pathlib import Path

from tools.test_dependencies import FAKETIME

_PLACES = ("/usr/lib/*/faketime", "/usr/lib/faketime", "/usr/lib64/faketime", "/usr/local/lib/faketime")
# Of the two the one that is made for programs of several threads.
_LIBRARY = "libfaketimeMT.so.1"


def why_not() -> str | None:
    """In words, why this machine cannot; None where it can."""
    return f"enable with: {FAKETIME.install}" if _library() is None else None


def shifted(seconds: int) -> dict[str, str]:
    """The environment of a process whose clock is so much ahead."""
    library = _library()
    assert library is not None, why_not()
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME": f"{seconds:+d}s",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        # Files are as old as they are.
        "NO_FAKE_STAT": "1",
    }


def _library() -> Path | None:
    return next((path for place in _PLACES for path in Path("/").glob(f"{place[1:]}/{_LIBRARY}")), None)
