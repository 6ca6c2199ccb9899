"""The private server: its order of choice, and that nothing of it outlives its owner."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg2
import pytest

from tools.failures import Failure
from tools.private_postgres import Binaries, PrivatePostgres, binaries, find_binaries
from tools.private_postgres.cluster import LONGEST_SOCKET_PATH, Account, Cluster
from tools.private_postgres.keeper import hold

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60.0

# An owner that says where its server is and then waits to be killed.
OWNER = """
import json, sys
from tools.private_postgres import PrivatePostgres
server = PrivatePostgres(durable=False)
server.start()
print(json.dumps({"home": str(server.home), "url": server.url}), flush=True)
sys.stdin.read()
"""


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "never came true"
        time.sleep(0.02)


def is_running(process: int) -> bool:
    """A zombie has ended; only its parent, which may be another's process, can remove it."""
    try:
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def postmaster(home: Path) -> int:
    return int((home / "data" / "postmaster.pid").read_text().splitlines()[0])


@pytest.mark.parametrize("choice", ["machine", "wheel"])
def test_server_answers_on_its_socket_and_leaves_nothing(choice: str) -> None:
    try:
        found = find_binaries(choice)
    except Failure as missing:
        pytest.skip(str(missing))
    with PrivatePostgres(durable=False, choice=choice) as server:
        connection = psycopg2.connect(server.url)
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('server_version'), current_setting('listen_addresses')")
            version, addresses = cursor.fetchone() or ("", "")
        connection.close()
        assert version.startswith(found.version)
        assert addresses == ""
        assert server.home.stat().st_mode & 0o777 == 0o700
        process = postmaster(server.home)
    assert not server.home.exists()
    assert not is_running(process)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the server to another account: sudo make test")
def test_server_of_root_runs_as_unprivileged_account() -> None:
    with PrivatePostgres(durable=False) as server:
        owner = Path(f"/proc/{postmaster(server.home)}").stat().st_uid
        assert owner != 0


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc: run it on Linux")
@pytest.mark.parametrize("victim", ["owner", "keeper"])
def test_nothing_outlives_a_kill(victim: str) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdin
    assert owner.stdout
    with owner.stdin, owner.stdout:
        home = Path(json.loads(owner.stdout.readline())["home"])
        server = postmaster(home)
        keeper = int((home / "keeper.lock").read_text())
        os.kill(owner.pid if victim == "owner" else keeper, signal.SIGKILL)
        eventually(lambda: not is_running(server))
        eventually(lambda: not is_running(keeper))
    owner.wait()
    if victim == "owner":
        eventually(lambda: not home.exists())
    else:
        # Nobody is left to remove it; the next start does.
        with PrivatePostgres(durable=False):
            assert not home.exists()


def test_home_in_use_is_refused_with_its_holder(tmp_path: Path) -> None:
    second = hold(tmp_path)
    with hold(tmp_path), pytest.raises(Failure, match=f"in use .* process {os.getpid()}") as refused, second:
        pass
    assert refused.value.suggestion
    assert list(tmp_path.iterdir()) == []


def test_failing_initdb_shows_command_output_and_suggestion(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, body in {
        "initdb": "echo no space left >&2; exit 3",
        "postgres": "echo '(PostgreSQL) 17.1'",
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{body}\n")
        (programs / name).chmod(0o755)
    with pytest.raises(Failure) as failure:
        PrivatePostgres(durable=False, choice=str(programs)).start()
    shown = str(failure.value)
    assert "initdb ended with exit code 3." in shown
    assert "  | no space left" in shown
    assert "  command: " in shown
    assert "  try: " in shown


def test_newest_supported_server_of_the_machine_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "open_to_others", lambda directory: True)
    for version in ("13.9", "15.2", "17.10", "17.9"):
        directory = tmp_path / version
        directory.mkdir()
        (directory / "initdb").touch(0o755)
        (directory / "postgres").write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
        (directory / "postgres").chmod(0o755)
    monkeypatch.setattr(binaries, "_machine_directories", lambda: iter(sorted(tmp_path.iterdir())))
    found = find_binaries("any")
    assert found == Binaries(directory=tmp_path / "17.10", version="17.10", origin="machine")


def test_no_server_at_all_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "_machine_directories", lambda: iter(()))
    monkeypatch.setattr(binaries, "_wheel_directories", lambda site_packages: iter(()))
    with pytest.raises(Failure) as failure:
        find_binaries("any")
    assert "apt-get install postgresql" in str(failure.value)


def test_path_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    home = tmp_path / ("x" * LONGEST_SOCKET_PATH)
    with pytest.raises(Failure, match="too long for a socket"):
        Cluster(home=home, binaries=tmp_path, durable=False, account=Account.needed()).prepare()
    assert not home.exists()
