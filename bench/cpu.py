"""CPU seconds of process trees, from /proc: on a shared machine the figure to trust."""

import contextlib
import os
from collections import defaultdict
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_LOOKS = 5


def tree_seconds(root: int) -> float:
    """What a process and all it started have used, ended children included.

    A child that ended counts in its parent once the parent has waited for it, as servers do. So two looks must
    find the same processes: one that ended meanwhile could be missed as a child and in its parent too.
    """
    before: set[int] = set()
    for _ in range(_LOOKS):
        family = _family(root)
        if family.keys() == before:
            break
        before = set(family)
    # utime, stime, cutime, cstime: fields 14 to 17 of proc(5).
    return sum(sum(map(int, fields[11:15])) for fields in family.values()) / _TICKS


def tree(root: int) -> list[int]:
    """A process and its living descendants."""
    return list(_family(root))


def _family(root: int) -> dict[int, list[str]]:
    known = {int(entry.name): _stat(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    children: dict[int, list[int]] = defaultdict(list)
    for pid, fields in known.items():
        if fields:
            children[int(fields[1])].append(pid)
    found = [root]
    for pid in found:
        found += children[pid]
    return {pid: known[pid] for pid in found if known.get(pid)}


def _stat(process: Path) -> list[str]:
    """The fields behind the program's name, from the state on; nothing where the process is gone."""
    with contextlib.suppress(OSError):
        return (process / "stat").read_text().rpartition(")")[2].split()
    return []
