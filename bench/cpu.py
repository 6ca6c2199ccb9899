"""CPU seconds of process trees, from /proc: on a shared machine the figure to trust."""

import contextlib
import os
from collections import defaultdict
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def tree_seconds(root: int) -> float:
    """What a process and all it started have used, ended children included.

    A child that ended counts in its parent once the parent has waited for it, as servers do.
    """
    return sum(_seconds(pid) for pid in tree(root))


def tree(root: int) -> list[int]:
    """A process and its living descendants."""
    children: dict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children[int(fields[1])].append(int(entry.name))
    found = [root]
    for pid in found:
        found += children[pid]
    return found


def _seconds(pid: int) -> float:
    fields = _stat(pid)
    # utime, stime, cutime, cstime: fields 14 to 17 of proc(5).
    return sum(map(int, fields[11:15])) / _TICKS if fields else 0.0


def _stat(pid: int) -> list[str]:
    """The fields behind the program's name, from the state on; nothing where the process is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return []
