"""`make demo` with real processes: the story it tells, and that nothing of it stays behind."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tools.demo.children import Children
from tools.demo.client import wait_for
from tools.demo.ports import reserved_port
from tools.demo.story import Count
from tools.failures import Failure

REPOSITORY = Path(__file__).resolve().parents[2]
CODE = ("manage.py", "core", "api", "outbox", "dispatcher", "tools", "docs")
STORY_SECONDS = 120


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the code: a demo that somebody runs in the real checkout is not ours to disturb."""
    for name in CODE:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tmp_path / name)
    return tmp_path


@pytest.fixture
def environment() -> dict[str, str]:
    """Without this run's own settings; a demo makes its own."""
    ours = {"DATABASE_URL", "DJANGO_SETTINGS_MODULE", "SECRET_KEY", "API_KEY_HASH_KEY", "WEBHOOK_SECRET_KEYS"}
    return {name: value for name, value in os.environ.items() if name not in ours} | {"NO_COLOR": "1"}


def processes_in(checkout: Path) -> list[str]:
    """Processes whose working directory is the checkout's."""
    found = []
    for directory in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if directory.readlink().is_relative_to(checkout):
                found.append((directory.parent / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


@pytest.mark.acceptance
def test_once_tells_the_whole_story_and_leaves_nothing(checkout: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.demo", "--once"],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        timeout=STORY_SECONDS,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.endswith("1 payment, 1 event, 2 attempts, 1 order, 0 lost\n")
    assert "\033" not in done.stdout
    assert re.search(r"attempt 1 → 503 .*\n  webhook  attempt 2 → 200 in \d+ ms\n", done.stdout)
    assert "one byte changed → 400, rejected" in done.stdout
    database = re.search(r"Private database (\S+)", done.stdout)
    assert database
    assert not (checkout / database[1]).exists()
    assert processes_in(checkout) == []
    assert {path.name for path in (checkout / ".demo").iterdir()} == {"environment", "logs", "shop"}


@pytest.mark.acceptance
def test_signal_stops_everything(checkout: Path, environment: dict[str, str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tools.demo"],
        cwd=checkout,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as demo:
        assert demo.stdout
        output = ""
        for line in demo.stdout:
            output += line
            if "Ctrl-C stops everything" in line:
                break
        assert "0 lost" in output, output
        link = re.search(r"operations (http://127\.0\.0\.1:\d+/ops/enter/\S+/)  ", output)
        assert link, output
        with urllib.request.urlopen(link[1]) as page:
            assert "Enter as demo" in page.read().decode()
        # What it says of the command line works in a shell that knows nothing of the demo.
        entered = re.search(r"command line, .*: (\. .*)webhooks listen\n", output)
        assert entered, output
        shell = ["sh", "-c", f"{entered[1]}webhooks status --check"]
        status = subprocess.run(
            shell, cwd=checkout, env=environment, capture_output=True, text=True, check=False
        )
        assert (status.returncode, status.stderr) == (0, ""), status
        demo.send_signal(signal.SIGINT)
        assert demo.wait(STORY_SECONDS) == 0
    assert processes_in(checkout) == []
    assert not (checkout / ".demo" / "lock").exists()


@pytest.mark.acceptance
@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux ends children with their parent: run it there"
)
def test_killed_demo_takes_its_processes_along_and_leaves_the_place_free(
    checkout: Path, environment: dict[str, str]
) -> None:
    command = [sys.executable, "-m", "tools.demo"]
    with subprocess.Popen(command, cwd=checkout, env=environment, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout
        while "A payment, end to end" not in (line := demo.stdout.readline()):
            assert line, "the demo ended"
        assert len(processes_in(checkout)) > 5
        demo.kill()
    log = checkout / ".demo" / "logs" / "api.log"
    wait_for("their end", lambda: not processes_in(checkout) or None, seconds=60, check=lambda: None, log=log)
    again = subprocess.run(
        [*command, "--once"], cwd=checkout, env=environment, capture_output=True, text=True, check=False
    )
    assert (again.returncode, again.stderr) == (0, ""), again.stdout


def test_child_that_ends_by_itself_is_reported_with_its_last_lines(tmp_path: Path) -> None:
    children = Children(directory=tmp_path, logs=tmp_path, environment=os.environ)
    children.start("api", [sys.executable, "-c", "print('the port is taken'); raise SystemExit(3)"])
    with pytest.raises(Failure) as failure:
        wait_for("its end", lambda: None, seconds=60, check=children.check, log=children.log("api"))
    shown = str(failure.value)
    assert shown.startswith("The api ended by itself (exit code 3).\n  command: ")
    assert "  | the port is taken\n" in shown
    assert shown.endswith(f"  try: read {tmp_path / 'api.log'}")


def test_waiting_in_vain_shows_the_log_that_tells_why(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    log.write_text("ImportError: no module named spam\n")
    with pytest.raises(Failure) as failure:
        wait_for("the API", lambda: None, seconds=0, check=lambda: None, log=log)
    assert "in vain for the API.\n  | ImportError: no module named spam\n  try: read " in str(failure.value)


def test_busy_port_moves() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        busy = server.getsockname()[1]
        with reserved_port(busy) as port:
            assert port not in (busy, 0)


def test_reserved_port_is_not_given_twice_before_its_server_binds_it() -> None:
    with reserved_port(0) as port:
        with reserved_port(port) as other:
            assert other != port
        with socket.create_server(("127.0.0.1", port)):
            pass
    with reserved_port(port) as free_again:
        assert free_again == port


@pytest.mark.parametrize(
    ("count", "words", "is_right"),
    [
        (
            Count(payments=1, events=1, attempts=2, orders=1, lost=0),
            "1 payment, 1 event, 2 attempts, 1 order, 0 lost",
            True,
        ),
        (
            Count(payments=2, events=0, attempts=1, orders=0, lost=1),
            "2 payments, 0 events, 1 attempt, 0 orders, 1 lost",
            False,
        ),
    ],
)
def test_count_says_what_was_counted(count: Count, words: str, is_right: bool) -> None:
    assert (str(count), count.is_right) == (words, is_right)
