"""The units of docs/examples/systemd: systemd takes them, and what they run and allow for is what the product has."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.core.management import get_commands

from dispatcher.config import DispatcherSettings
from tests.processes import ROOT

UNITS = ROOT / "docs" / "examples" / "systemd"
SERVICES = sorted(UNITS.glob("*.service"))
PAGE = (ROOT / "docs" / "how-to" / "deploy-with-systemd.md").read_text(encoding="utf-8")


def unit(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(
        strict=True, interpolation=None, comment_prefixes=("#",), delimiters=("=",)
    )
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(path.read_text())
    return parser


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="enable with: apt-get install systemd")
def test_systemd_has_nothing_to_say_of_them(tmp_path: Path) -> None:
    """With programs in place of those that an installation has."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("python", "granian"):
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)
    copies = []
    for path in UNITS.iterdir():
        copy = tmp_path / path.name.replace("@.", "@1.")
        copy.write_text(path.read_text().replace("/opt/ministripe/venv/bin", str(programs)))
        copies.append(str(copy))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *copies],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/sbin:/usr/bin:/bin", "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_unit_is_on_the_page() -> None:
    assert all(f"(../examples/systemd/{path.name})" in PAGE for path in UNITS.iterdir())


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_a_service_runs_a_command_that_exists(path: Path) -> None:
    command = unit(path)["Service"]["ExecStart"]
    if "manage.py" in command:
        assert get_commands()[command.split("manage.py ")[1].split()[0]] in {
            "core",
            "dispatcher",
            "outbox",
            "api",
        }
    else:
        shown = (ROOT / "docs" / "how-to" / "deploy.md").read_text()
        assert re.sub(r" --(host|port) \S+", "", command.rpartition("/")[2]) in shown


@pytest.mark.parametrize(
    "path", [one for one in SERVICES if "maintenance" not in one.name], ids=lambda path: path.name
)
def test_a_stop_waits_longer_than_what_is_in_flight(path: Path) -> None:
    service = unit(path)["Service"]
    attempt, lease = DispatcherSettings().attempt_timeout, DispatcherSettings().lease
    assert int(service["TimeoutStopSec"]) > max(attempt, lease).total_seconds()
    assert service["KillMode"] == "mixed"
    assert service["RestartPreventExitStatus"] == "2"
