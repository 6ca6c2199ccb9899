"""What the version at hand can do, so that the bench also runs on one that lacks a part."""

from bench.processes import ROOT


def dispatcher_has(flag: str) -> bool:
    """Whether a command of the dispatcher has a flag."""
    return any(f'"{flag}"' in path.read_text() for path in (ROOT / "dispatcher").rglob("*.py"))
