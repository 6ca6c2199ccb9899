"""`python -m bench.report [DIRECTORY]`: the results of a directory as one Markdown file, summary.md.

Written from the JSON files alone, so that documents can quote what was measured without running it again.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from bench.findings import RESULTS
from bench.tables import Table, markdown, number


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.report", description=__doc__)
    parser.add_argument("directory", type=Path, nargs="?", default=RESULTS)
    print(write(parser.parse_args().directory))
    return 0


def write(directory: Path) -> Path:
    """Write summary.md beside the results; its path."""
    results = [json.loads(path.read_text()) for path in sorted(directory.glob("?-*.json"))]
    path = directory / "summary.md"
    path.write_text(summary(results))
    return path


def summary(results: list[dict[str, Any]]) -> str:
    """All of it as Markdown."""
    parts = ["# What the bench measured", _targets(results)]
    parts += [_scenario(result) for result in results]
    return "\n\n".join(parts) + "\n"


def _targets(results: list[dict[str, Any]]) -> str:
    lines = ["| | target | measured | bound | |", "| --- | --- | ---: | ---: | --- |"]
    for result in results:
        for target in result["targets"]:
            value = "" if target["value"] is None else f"{number(target['value'])} {target['unit']}".strip()
            bound = f"{target['comparison']} {target['bound']:,g} {target['unit']}".strip()
            lines.append(
                f"| {result['scenario']} | {target['words']} | {value} | {bound} | {target['verdict']} |"
            )
    return "\n".join(lines)


def _scenario(result: dict[str, Any]) -> str:
    machine, versions = result["machine"], result["versions"]
    parts = [f"## {result['scenario']}. {result['title']}", result["about"]]
    parts += [markdown(Table(**table)) for table in result["tables"]]
    parts += result["notes"]
    if result["profile"]:
        parts.append(f"```\n{result['profile']}\n```")
    parts.append(
        f"Measured {result['date'][:10]} at commit {result['commit']} by `{result['command']}` on "
        f"{machine['cores']} cores ({machine['processor']}), {machine['memory_gib']} GiB, {machine['system']}, "
        f"Linux {machine['kernel']}; "
        + ", ".join(f"{name} {version}" for name, version in versions.items())
        + "."
    )
    return "\n\n".join(parts)


if __name__ == "__main__":
    raise SystemExit(main())
