"""What the suites declare to verify, read from their text: by name of the contract, which of them do."""

import ast
from pathlib import Path

from tests.sdk.node_suite import node_checks

_TESTS = Path(__file__).resolve().parents[1]

PYTHON, NODE, CLI = "Python", "Node", "CLI"


def declared() -> dict[str, frozenset[str]]:
    """By suite, the names that its tests verify."""
    return {
        PYTHON: _verified_by("sdk/test_python_*.py"),
        NODE: frozenset(name for check in node_checks() for name in check.verifies),
        CLI: _verified_by("sdk/test_cli*.py") | _verified_by("cli/test_*.py"),
    }


def _verified_by(pattern: str) -> frozenset[str]:
    return frozenset(name for path in _TESTS.glob(pattern) for name in _marks_of(path))


def _marks_of(path: Path) -> list[str]:
    """The arguments of every `verifies(…)`, however it is reached."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "verifies":
            for argument in node.args:
                match argument:
                    case ast.Constant(value=str(name)):
                        found.append(name)
    return found
