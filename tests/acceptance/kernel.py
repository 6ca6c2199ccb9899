"""What Linux knows of processes: their children, and whose a connection is."""

from pathlib import Path

import pytest

ESTABLISHED = "01"

needs_proc = pytest.mark.skipif(
    not Path("/proc/net/tcp").exists(), reason="reads /proc: run it on Linux (docker run -it python:3.13)"
)


def children_of(process: int) -> set[int]:
    """Of those alive: a zombie has ended."""
    found = set()
    for directory in Path("/proc").iterdir():
        if not directory.name.isdigit():
            continue
        try:
            state, parent = (directory / "stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == process and state != "Z":
            found.add(int(directory.name))
    return found


def connections_of(process: int) -> set[tuple[int, int]]:
    """Own port and peer's port of each IPv4 connection that the process holds; none where it has ended."""
    try:
        links = {entry.readlink().name for entry in Path(f"/proc/{process}/fd").iterdir()}
    except OSError:
        return set()
    found = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, state, *rest = line.split()
        if state == ESTABLISHED and f"socket:[{rest[5]}]" in links:
            found.add((_port(local), _port(remote)))
    return found


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)
