"""The checks of tests/sdk/node/*.js: what they declare, and what came of them.

Each file is a group, run once by one Node process; every check of it has an account of its own.
"""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.test_dependencies import NODE, NODE_PACKAGES

_HERE = Path(__file__).parent / "node"
_MODULES = NODE_PACKAGES.path()
_HARNESS = "checks.js"
_CHECK = re.compile(r'(?s)\bcheck\(\s*"([^"]+)",\s*\[([^\]]*)\]')
_SECONDS = 300  # until a group that should take a few is taken for hung


@dataclass(frozen=True, slots=True)
class NodeCheck:
    """One check, as its file declares it."""

    group: str
    name: str
    verifies: tuple[str, ...]


def node_checks() -> list[NodeCheck]:
    """Of all files, read and not run: they are known without Node."""
    found = []
    for path in sorted(_HERE.glob("*.js")):
        if path.name != _HARNESS:
            for name, verifies in _CHECK.findall(path.read_text(encoding="utf-8")):
                found.append(NodeCheck(path.stem, name, tuple(re.findall(r'"([^"]+)"', verifies))))
    return found


def what_node_lacks() -> str | None:
    """Why the checks cannot be run here, with the command that changes it."""
    if NODE.is_missing:
        return f"enable with: {NODE.install} npm, then {NODE_PACKAGES.install}"
    for package in ("stripe", "standardwebhooks"):
        if not (_MODULES / package).is_dir():
            return f"the npm package {package} is not installed; enable with: {NODE_PACKAGES.install}"
    return None


def run_group(
    group: str, *, port: int, keys: Mapping[str, str], extra: Mapping[str, Any] | None = None
) -> dict[str, str | None]:
    """Run the checks that `keys` names, each with its API key; by name, None or the error's text."""
    given = {"port": port, "keys": keys, **(extra or {})}
    done = subprocess.run(
        ["node", str(_HERE / f"{group}.js")],
        input=json.dumps(given),
        env={"NODE_PATH": str(_MODULES), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    results = [json.loads(line) for line in done.stdout.splitlines()]
    return {result["name"]: result["error"] for result in results}
