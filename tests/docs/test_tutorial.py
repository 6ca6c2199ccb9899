"""The tutorial is done by a machine: its files and commands as the page has them, and what it says that they print."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

from tests.acceptance.test_seed_commands import NOT_IN_A_CHECKOUT
from tests.processes import ROOT, until
from tools.demo.ports import reserved_port

pytestmark = pytest.mark.acceptance

PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
# In the order of the page: a file to save, commands to type, or what is printed then.
STEP = re.compile(
    r"(?ms)^(?:<!-- save: (?P<path>\S+) -->\n)?```(?P<kind>python|bash|)\n(?P<text>.*?)^```$",
)
# Installing is not tried again here: the environment of the tests has what these lines would bring.
INSTALLS = {
    "python3 tools/bootstrap.py demo": f"ln -s {sys.prefix} .venv",
    "pip install flask": "python -c 'import flask'",
}


@dataclass(frozen=True, slots=True)
class Step:
    kind: str  # python, bash, or empty for what is printed
    text: str
    path: str | None


def steps() -> list[Step]:
    return [Step(found["kind"], found["text"], found["path"]) for found in STEP.finditer(PAGE)]


@pytest.fixture
def checkout() -> Iterator[Path]:
    """A clone of the working tree, with a place beside it for the merchant's own files."""
    with tempfile.TemporaryDirectory(prefix="tutorial-") as directory:
        copy = Path(directory, "clone")
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*NOT_IN_A_CHECKOUT, "node_modules"))
        yield copy


@pytest.fixture
def postgres_home() -> Iterator[Path]:
    """Where the page's own PostgreSQL lives: not the default, which may be in use. Its path is short, as a socket's."""
    home = Path(tempfile.mkdtemp(prefix="mspg-", dir="/var/tmp"))
    yield home
    command = [sys.executable, "-m", "tools.private_postgres", "stop", "--home", str(home)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    shutil.rmtree(home)


class Terminal:
    """One shell that lives from the first command of the page to the last; what anything prints is kept."""

    def __init__(self, directory: Path, output: Path) -> None:
        self._directory = directory
        self._output = output
        self._typed = 0

    def __enter__(self) -> Self:
        self._file = self._output.open("w")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self._directory.parent),
            "PYTHONUNBUFFERED": "1",
        }
        self._shell = subprocess.Popen(
            ["bash", "-e"],
            cwd=self._directory,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=self._file,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._shell.pid, signal.SIGKILL)
        self._shell.communicate()
        self._file.close()

    def type(self, commands: str) -> None:
        """Returns when all of them are done; what they leave in the background goes on."""
        assert self._shell.stdin is not None
        self._typed += 1
        self._before = len(self.text())
        mark = f"-- done {self._typed} --"
        self._shell.stdin.write(f"{commands}\necho '{mark}'\n")
        self._shell.stdin.flush()
        until(lambda: mark in self.text() or self._shell.poll() is not None, what=commands)
        assert mark in self.text(), self.text()

    def shows(self, line: str) -> None:
        """Wait until the commands typed last, or the dispatcher's log, have this line, whatever its ids."""
        wanted = re.compile(
            r".*".join(re.escape(part) for part in re.split(r"…|(?<=_)0\w{20,}|(?<=after )\d+", line))
        )

        def has() -> bool:
            return any(wanted.search(text) for text in (self.text()[self._before :], self.log()))

        until(lambda: has() or self._shell.poll() is not None, what=line)
        assert has(), self.text()

    def log(self) -> str:
        path = self._directory / "build" / "dispatcher.log"
        return path.read_text() if path.exists() else ""

    def text(self) -> str:
        return self._output.read_text()


def adapted(text: str, *, api: int, shop: int, home: Path) -> str:
    """The page's words, with ports that are free here and a home of PostgreSQL's that is the test's."""
    for line, instead in INSTALLS.items():
        text = text.replace(line, instead)
    text = re.sub(r"(tools\.private_postgres \w+)", rf"\1 --home {home}", text)
    return re.sub(r"\b4300\b", str(shop), re.sub(r"\b8000\b", str(api), text))


def test_every_line_that_installs_is_on_the_page() -> None:
    assert all(PAGE.count(f"\n{line}\n") == 1 for line in INSTALLS)


@pytest.mark.skipif(shutil.which("bash") is None, reason="the commands are bash's: apt-get install bash")
def test_a_reader_gets_from_a_clone_to_a_verified_webhook(
    checkout: Path, postgres_home: Path, tmp_path: Path
) -> None:
    with (
        reserved_port(0) as api,
        reserved_port(0) as shop,
        Terminal(checkout, tmp_path / "terminal.txt") as terminal,
    ):
        for step in steps():
            text = adapted(step.text, api=api, shop=shop, home=postgres_home)
            match step.kind:
                case "python":
                    assert step.path is not None
                    (checkout / step.path).write_text(text, encoding="utf-8")
                case "bash":
                    terminal.type(text)
                case _:
                    for line in text.splitlines():
                        terminal.shows(line)
        said = terminal.text()
    paid = re.findall(r"paying: (pi_\w+) processing", said)
    assert re.findall(r"verified: payment_intent\.succeeded (pi_\w+)", said) == paid
    assert len(set(paid)) == 2
