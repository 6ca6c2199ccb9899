"""What a run of the crash suite came to: lines, the table, and the page that shows it."""

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.crash.suite import Played
from tests.processes import ROOT

PAGE = ROOT / "docs" / "reliability.md"
RESULTS = ROOT / "tests" / "crash" / "results"  # state files of the runs that the page shows
BEGIN, END = "<!-- crash suite: begin -->", "<!-- crash suite: end -->"
_COLUMNS = (
    "fault", "strikes", "killed", "frozen", "acknowledged", "events", "requests", "lost", "unexplained",
    "duplicates / in flight", "worst recovery, leases",
)  # fmt: skip
_SUMMED = ("acknowledged", "events", "requests", "lost", "unexplained", "duplicates", "in_flight")


def line(played: Played, batches: int) -> str:
    """Of one batch, for people who wait."""
    found = played.verdict
    return (
        f"[{played.place + 1}/{batches}] {played.fault} {played.number}: {played.strikes} strikes, "
        f"{found['events']} events, {found['requests']} requests, lost {found['lost']}, "
        f"unexplained {found['unexplained']}, duplicates {found['duplicates']}/{found['in_flight']}, "
        f"recovery {found['recovery']:.2f} leases, {played.seconds:.0f} s"
    )


def table(played: Iterable[Played]) -> str:
    """In Markdown: a row for each fault, in the order of their first batches, and their sum."""
    by_fault: dict[str, list[Played]] = {}
    for one in played:
        by_fault.setdefault(one.fault, []).append(one)
    rows = [_row(f"`{fault}`", batches) for fault, batches in by_fault.items()]
    rows.append(_row("all", [one for batches in by_fault.values() for one in batches]))
    numbers = " | ".join(["---"] + ["---:"] * (len(_COLUMNS) - 1))
    return "\n".join(f"| {text} |" for text in (" | ".join(_COLUMNS), numbers, *rows))


def _row(name: str, batches: Sequence[Played]) -> str:
    sums = {key: sum(one.verdict[key] for one in batches) for key in _SUMMED}
    return " | ".join(
        [
            name,
            *(f"{sum(getattr(one, key) for one in batches):,}" for key in ("strikes", "deaths", "freezes")),
            *(f"{sums[key]:,}" for key in _SUMMED[:5]),
            f"{sums['duplicates']:,} / {sums['in_flight']:,}",
            f"{max((one.verdict['recovery'] for one in batches), default=0):.2f}",
        ]
    )


def page_part(states: Sequence[Path], *, write: bool) -> str:
    """The table of these runs, with what is needed to run them again; into the page where asked for."""
    runs = [json.loads(path.read_text()) for path in states]
    part = "\n".join([*(_run_line(run) for run in runs), "", table(played_in(runs))])
    if write:
        head, _, rest = PAGE.read_text().partition(BEGIN)
        _, _, tail = rest.partition(END)
        PAGE.write_text(f"{head}{BEGIN}\n{part}\n{END}{tail}")
    return part


def played_in(runs: Iterable[Mapping[str, Any]]) -> list[Played]:
    return [Played(**batch) for run in runs for batch in run["batches"]]


def _run_line(run: Mapping[str, Any]) -> str:
    left_out = "".join(f"; `{name}` was left out: {reason}" for name, reason in run["left_out"].items())
    return f"- `{run['command']}` at commit {run['commit']}, on {run['machine']}{left_out}"


def command_of(run: Mapping[str, Any]) -> str:
    words = ["python -m tests.crash"]
    if run["quick"]:
        words.append("--quick")
    if run["part"]:
        words.append(f"--part {run['part']}")
    return " ".join([*words, f"--seed {run['seed']}"])


def machine() -> str:
    return f"{os.cpu_count()} processors, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
