"""Private brokers: reachable, kept over a stop, and gone with their owner, however it ends."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from tests.brokers import KINDS, running_broker
from tests.processes import until
from tools.failures import Failure
from tools.private_brokers import PrivateRedis
from tools.test_dependencies import REDIS, services_left_alone

REPOSITORY = Path(__file__).resolve().parents[2]
OWNER = """
import sys
from tools.private_brokers import PrivateRedis
with PrivateRedis() as server:
    print(server.home, server.url, flush=True)
    sys.stdin.read()
"""


def accepts(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def port_of(url: str) -> int:
    return int(url.rpartition("/")[0].rpartition(":")[2])


@pytest.mark.parametrize("kind", KINDS)
def test_a_broker_runs_inside_its_block_only(kind: str) -> None:
    with running_broker(kind) as server:
        assert server.home.stat().st_mode & 0o777 == 0o700
        assert accepts(port_of(server.url))
    assert not accepts(port_of(server.url))
    assert not server.home.exists()


def test_what_a_broker_holds_outlasts_its_stop() -> None:
    with running_broker("redis") as server, redis.Redis.from_url(server.url) as client:
        client.set("kept", "yes")
        server.stop()
        assert not accepts(port_of(server.url))
        server.start()
        assert client.get("kept") == b"yes"


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_broker_ends_with_its_owner(end: signal.Signals) -> None:
    if PrivateRedis.program() is None:
        pytest.skip(f"enable with: {REDIS.install}")
    with subprocess.Popen(
        [sys.executable, "-c", OWNER],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdout is not None
        home, url = owner.stdout.readline().split()
        assert accepts(port_of(url))
        owner.send_signal(end)
        owner.wait()
    until(lambda: not accepts(port_of(url)), what="the server's end")
    until(lambda: not Path(home).exists(), what="the end of its directory")


def test_a_broker_that_cannot_start_leaves_nothing() -> None:
    class Broken(PrivateRedis):
        programs = ("false",)

    broker = Broken()
    with pytest.raises(Failure, match="The private broker did not start"), broker:
        pass
    assert not broker.home.exists()


def test_services_are_left_alone_while_packages_are_installed(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    with services_left_alone(policy):
        assert subprocess.run([policy], check=False).returncode == 101
    assert not policy.exists()


def test_a_policy_that_is_there_is_its_owners(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("mine")
    with services_left_alone(policy):
        assert policy.read_text() == "mine"
    assert policy.read_text() == "mine"


def test_a_closed_directory_changes_nothing(tmp_path: Path) -> None:
    with services_left_alone(tmp_path / os.urandom(4).hex() / "policy-rc.d"):
        pass
