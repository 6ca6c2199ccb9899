"""The environment that `make` builds: locked, whole, in step with pyproject.toml, and built once."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools import bootstrap
from tools.failures import Failure
from tools.lock import LOCKS

REPOSITORY = Path(__file__).resolve().parents[2]
PIN = re.compile(r"(?m)^([\w.-]+)(?:\[[^]]*\])?==(\S+)([^\n]*\n(?:    .*\n)*)")


def pins(file: str) -> dict[str, str]:
    return {name: version for name, version, _ in PIN.findall((REPOSITORY / file).read_text())}


def ranges(extras: list[str]) -> list[Requirement]:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    texts = [*project["dependencies"]]
    for extra in extras:
        texts += project["optional-dependencies"][extra]
    return [Requirement(text) for text in texts]


@pytest.mark.parametrize("file", LOCKS)
def test_lock_holds_what_pyproject_asks_for(file: str) -> None:
    locked = pins(file)
    for wanted in ranges(LOCKS[file]):
        name = canonicalize_name(wanted.name)
        assert name in locked, f"{name} is not locked: make lock"
        assert wanted.specifier.contains(locked[name]), f"{name} is locked outside of its range: make lock"


@pytest.mark.parametrize("file", LOCKS)
def test_every_pin_has_hashes_and_one_version_in_all_files(file: str) -> None:
    everything = pins("requirements-dev.txt")
    assert everything.items() >= pins(file).items()
    for name, _, rest in PIN.findall((REPOSITORY / file).read_text()):
        assert "--hash=sha256:" in rest, name


def requirements(file: str) -> list[tuple[Requirement, list[str]]]:
    """Every requirement of a file, whatever its form, with its hashes."""
    joined = (REPOSITORY / file).read_text().replace("\\\n", " ")
    lines = [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    split = [line.partition("--hash=") for line in lines]
    return [(Requirement(head.strip()), f"{mark}{rest}".split()) for head, mark, rest in split]


@pytest.mark.parametrize("file", LOCKS)
def test_nothing_is_required_without_an_exact_version_and_its_hashes(file: str) -> None:
    found = requirements(file)
    assert len(found) > 30
    for wanted, hashes in found:
        assert re.fullmatch(r"==[\w.!+]+", str(wanted.specifier)), f"{file}: {wanted} is no exact version"
        assert wanted.url is None, f"{file}: {wanted} comes from elsewhere than the registry"
        assert hashes, f"{file}: {wanted} has no hash"
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", one) for one in hashes), f"{file}: {wanted}"


def test_what_is_installed_is_what_is_locked() -> None:
    """The environment that the tests run in is the one that was locked, and so are their verdicts."""
    locked = [
        wanted
        for wanted, _ in requirements("requirements-dev.txt")
        if wanted.marker is None or wanted.marker.evaluate()
    ]
    assert {one.name: version(one.name) for one in locked} == {
        one.name: str(one.specifier).removeprefix("==") for one in locked
    }


def test_old_python_is_refused_with_the_version_that_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.version_info", (3, 10, 13, "final", 0))
    with pytest.raises(Failure, match=r"Python 3\.11 or newer is needed"):
        bootstrap._check_python()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with requirement files and an interpreter, and nothing installed."""
    monkeypatch.setattr(bootstrap, "REPOSITORY", tmp_path)
    monkeypatch.setattr(bootstrap, "ENVIRONMENT", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "PYTHON", tmp_path / ".venv" / "python")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "python").touch()
    for files in bootstrap.GROUPS.values():
        for name in files:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text("spam==1\n")
    return tmp_path


def test_installed_group_is_current_until_its_file_changes(checkout: Path) -> None:
    assert not bootstrap._is_current("dev")
    bootstrap._stamp("dev").touch()
    assert bootstrap._is_current("dev")
    (checkout / "requirements-dev.txt").write_text("spam==2\n")
    assert not bootstrap._is_current("dev")


def test_development_environment_serves_the_demo_and_not_the_reverse(checkout: Path) -> None:
    bootstrap._stamp("demo").touch()
    assert not bootstrap._is_current("dev")
    bootstrap._stamp("demo").unlink()
    bootstrap._stamp("dev").touch()
    assert bootstrap._is_current("demo")
