"""Where the time goes, by py-spy: for targets that are missed. Does without it where it is not there."""

import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bench.processes import Program
from bench.stage import Stage
from tools.failures import Failure

_TOP = 18
# Loading a program is no part of what it does.
_STARTING = ("<frozen importlib", "django/core/management/__init__", "django/apps/registry")


def profile_of_run(stage: Stage, name: str, *arguments: str) -> str:
    """Run a program under py-spy to its end; a table of its functions, or why there is none."""
    output = stage.place / "profile.txt"
    command = [*_recording(output), "--", sys.executable, *arguments]
    return _profile(stage, name, command, output)


def profile_of(stage: Stage, program: Program, *, seconds: float) -> str:
    """The same for a program that runs, its children included: watched for so long, from outside."""
    output = stage.place / "profile.txt"
    command = [*_recording(output), "--subprocesses", "--duration", str(seconds), "--pid", str(program.pid)]
    return _profile(stage, program.name, command, output)


def _recording(output: Path) -> list[str]:
    return ["record", "--format", "raw", "--rate", "200", "--threads", "--output", str(output)]


def _profile(stage: Stage, name: str, command: Sequence[str], output: Path) -> str:
    program = shutil.which("py-spy", path=str(Path(sys.executable).parent)) or shutil.which("py-spy")
    if program is None:
        return f"No profile of {name}: py-spy is not installed (it is in the dev extra)."
    output.unlink(missing_ok=True)
    try:
        stage.start("py-spy", *command, program=program).wait()
    except Failure as failure:
        return (
            f"No profile of {name}, as py-spy could not watch it: {failure.output.strip().splitlines()[-1:]}"
        )
    return summary(name, output.read_text())


def summary(name: str, recorded: str) -> str:
    """The functions of a recording in py-spy's raw format, those first in which most samples were taken."""
    own: Counter[str] = Counter()
    below: Counter[str] = Counter()
    total = 0
    for line in recorded.splitlines():
        stack, _, count = line.rpartition(" ")
        if any(part in stack for part in _STARTING):
            continue
        frames = [
            _function(frame) for frame in stack.split(";") if not frame.startswith(("process ", "thread "))
        ]
        if not frames:
            continue
        total += int(count)
        own[frames[-1]] += int(count)
        for frame in set(frames):
            below[frame] += int(count)
    if not total:
        return f"No profile of {name}: it did nothing while py-spy watched."
    lines = [f"Profile of {name} (py-spy, {total} samples): own share, share with what it calls, function"]
    lines += [
        f"  {samples / total:6.1%} {below[frame] / total:6.1%}  {frame}"
        for frame, samples in own.most_common(_TOP)
    ]
    return "\n".join(lines)


def _function(frame: str) -> str:
    """`send (dispatcher/sender.py:80)` → `send (dispatcher/sender.py)`."""
    return frame.rpartition(":")[0] + ")" if frame.endswith(")") and ":" in frame else frame
