"""The Node packages of the tests: what the lock names, once, or the words that say how to get them."""

import json
from pathlib import Path

import pytest

from tools import test_dependencies
from tools.test_dependencies import NODE_PACKAGES, NodePackages

NPM = """#!/bin/sh
echo "$@" >> {log}
mkdir -p node_modules
exit {code}
"""


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NodePackages:
    monkeypatch.setattr(test_dependencies, "ROOT", tmp_path)
    directory = tmp_path / "tests" / "node"
    directory.mkdir(parents=True)
    (directory / "package-lock.json").write_text("{}")
    return NodePackages(directory)


def _npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, code: int) -> Path:
    log = tmp_path / "calls"
    program = tmp_path / "bin" / "npm"
    program.parent.mkdir()
    program.write_text(NPM.format(log=log, code=code))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return log


def test_they_are_installed_once_for_each_lock(
    packages: NodePackages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = _npm(tmp_path, monkeypatch, code=0)
    before = packages.is_missing
    packages.provide()
    packages.provide()
    assert (before, packages.is_missing) == (True, False)
    assert [line.split()[:2] for line in log.read_text().splitlines()] == [["ci", "--ignore-scripts"]]
    (packages.directory / "package-lock.json").write_text('{"lockfileVersion": 3}')
    packages.provide()
    assert len(log.read_text().splitlines()) == 2


def test_a_failure_is_said_and_ends_nothing(
    packages: NodePackages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    _npm(tmp_path, monkeypatch, code=1)
    packages.provide()
    assert packages.is_missing
    assert "skipped" in capfd.readouterr().err


def test_without_npm_the_command_is_named(
    packages: NodePackages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    packages.provide()
    assert "npm ci --ignore-scripts --prefix tests/node" in capfd.readouterr().out


def test_every_package_is_named_exactly_and_by_its_hash() -> None:
    named = json.loads((NODE_PACKAGES.directory / "package.json").read_text())["dependencies"]
    lock = json.loads((NODE_PACKAGES.directory / "package-lock.json").read_text())["packages"]
    assert lock[""]["dependencies"] == named
    for name, version in named.items():
        assert lock[f"node_modules/{name}"]["version"] == version
    # A binary of a platform that nobody has locked on is fetched by its version alone.
    unhashed = {name for name, entry in lock.items() if name and "integrity" not in entry}
    assert all(lock[name]["optional"] and lock[name]["os"] for name in unhashed)
    assert "node_modules/@stripe/cli-linux-x64" not in unhashed
