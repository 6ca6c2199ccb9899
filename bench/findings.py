"""What a scenario found, in the form that is printed, drawn and written to bench/results/."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.plots import Plot, draw
from bench.tables import Table, text
from bench.targets import Verdict, judge

RESULTS = Path(__file__).parent / "results"


@dataclass(slots=True, kw_only=True)
class Findings:
    scenario: str  # its letter
    name: str  # of its files
    title: str
    about: str  # what was done, in a sentence or two
    tables: list[Table] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)  # what its targets judge
    plots: list[Plot] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    profile: str = ""  # where the time went, for a target that was missed

    @property
    def verdicts(self) -> list[Verdict]:
        return judge(self.scenario, self.figures)

    @property
    def misses(self) -> bool:
        return any(verdict.word == "MISSED" for verdict in self.verdicts)


def printed(findings: Findings) -> str:
    """For a terminal."""
    parts = [f"{findings.scenario}. {findings.title}", findings.about]
    parts += [text(table) for table in findings.tables]
    parts += findings.notes
    if findings.profile:
        parts.append(findings.profile)
    parts.append("\n".join(map(str, findings.verdicts)))
    return "\n\n".join(parts)


def write(findings: Findings, circumstances: Mapping[str, Any], directory: Path) -> list[Path]:
    """One JSON file and one drawing a scenario."""
    directory.mkdir(parents=True, exist_ok=True)
    data = directory / f"{findings.scenario}-{findings.name}.json"
    content = {
        **circumstances,
        "scenario": findings.scenario,
        "title": findings.title,
        "about": findings.about,
        "tables": [_rounded(asdict(table)) for table in findings.tables],
        "targets": [shown(verdict) for verdict in findings.verdicts],
        "notes": findings.notes,
        "profile": findings.profile,
    }
    data.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    drawing = data.with_suffix(".svg")
    draw(findings.plots, f"{findings.scenario}. {findings.title}", drawing)
    return [data, drawing]


def shown(verdict: Verdict) -> dict[str, Any]:
    """A verdict as result files have it."""
    target = verdict.target
    return {
        "figure": target.figure,
        "words": target.words,
        "value": None if verdict.value is None else _significant(verdict.value),
        "comparison": target.comparison,
        "bound": target.bound,
        "unit": target.unit,
        "verdict": verdict.word,
    }


def _rounded(table: dict[str, Any]) -> dict[str, Any]:
    rows: Mapping[str, Sequence[float]] = table["rows"]
    return {
        **table,
        "rows": {name: [_significant(value) for value in values] for name, values in rows.items()},
    }


def _significant(value: float) -> float:
    """Five digits are more than any of this is worth."""
    return float(f"{value:.5g}")
