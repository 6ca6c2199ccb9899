"""Makes `.venv` from the locked requirements, then becomes what it was asked to run in it.

    python3 tools/bootstrap.py demo|dev [--steps] [-- ARGUMENTS FOR THE PYTHON OF .venv]

Needs Python with the venv module, nothing else. Every package is verified by hash. A stamp of the
requirement files makes the next run cost nothing. This file must stay readable by old Pythons: it is
what tells their users which one is needed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from tools.failures import Failure  # noqa: E402
from tools.terminal import Step, say  # noqa: E402

NEEDED_PYTHON = (3, 11)
ENVIRONMENT = REPOSITORY / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
GROUPS = {
    "demo": ["tools/demo/requirements.txt"],
    "dev": ["requirements-dev.txt"],
}
STEPS = 6
# Off a terminal a long installation still says that it lives.
QUIET_SECONDS = 10.0


def main() -> int:
    group, arguments = sys.argv[1], sys.argv[2:]
    steps = "--steps" in arguments
    command = arguments[arguments.index("--") + 1 :] if "--" in arguments else []
    os.environ["MINISTRIPE_BEGAN"] = repr(time.time())
    try:
        _check_python()
        # Locking this very file leaves none behind, and a second `make` waits for the first.
        with open(__file__) as lock:  # noqa: PTH123
            fcntl.flock(lock, fcntl.LOCK_EX)
            if steps:
                _with_steps(group)
            elif not _is_current(group):
                say("Making .venv (once) ...")
                _install(group, None)
    except Failure as failure:
        sys.stdout.flush()
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if command:
        sys.stdout.flush()
        os.chdir(REPOSITORY)
        os.execv(str(PYTHON), [str(PYTHON), *command])
    return 0


def _check_python() -> None:
    if sys.version_info < NEEDED_PYTHON:
        wanted = ".".join(map(str, NEEDED_PYTHON))
        raise Failure(
            f"Python {wanted} or newer is needed; {sys.executable} is {sys.version.split()[0]}.",
            suggestion="make PYTHON=/path/to/python3.12 ...   (Debian: apt-get install python3, "
            "macOS: brew install python@3.12)",
        )


def _with_steps(group: str) -> None:
    with Step(1, STEPS, "") as step:
        step.title = f"Python {sys.version.split()[0]}, {_postgres()}"
    with Step(2, STEPS, "Environment .venv") as step:
        if not _is_current(group):
            _install(group, step)
        step.title = f"Environment .venv, {_count(group)} packages, hashes verified"


def _postgres() -> str:
    from tools.private_postgres.binaries import find_binaries  # needs a new Python

    if os.environ.get("DATABASE_URL"):
        return "PostgreSQL of DATABASE_URL"
    try:
        return str(find_binaries(site_packages=[str(_site_packages())]))
    except Failure:
        if _is_current("demo"):
            raise
        return "PostgreSQL embedded (comes with the next step)"


def _site_packages() -> Path:
    return ENVIRONMENT / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"


def _is_current(group: str) -> bool:
    """Whether the environment holds the group; `dev` holds all of `demo`."""
    groups = {group, "dev"}
    return PYTHON.exists() and any(_stamp(one).exists() for one in groups)


def _stamp(group: str) -> Path:
    digest = hashlib.sha256(sys.version.encode())
    for name in GROUPS[group]:
        digest.update((REPOSITORY / name).read_bytes())
    return ENVIRONMENT / f".installed-{group}-{digest.hexdigest()[:16]}"


def _install(group: str, step: Step | None) -> None:
    if not _works():
        _run(
            [sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)],
            step,
            suggestion="apt-get install python3-venv (Debian), or a Python that has the venv module",
        )
    files = [part for name in GROUPS[group] for part in ("-r", name)]
    options = ["--require-hashes", "--disable-pip-version-check", "--no-input", "--progress-bar=off"]
    _run(
        [str(PYTHON), "-m", "pip", "install", *options, *files],
        step,
        suggestion="look at the network connection and PIP_INDEX_URL, then run the same command again",
    )
    for old in ENVIRONMENT.glob(f".installed-{group}-*"):
        old.unlink()
    _stamp(group).touch()


def _works() -> bool:
    """Whether `.venv` has a living interpreter of this Python's version, with pip."""
    if not PYTHON.exists():
        return False
    question = [str(PYTHON), "-c", "import pip, sys; print(sys.version)"]
    answer = subprocess.run(question, capture_output=True, text=True, check=False)
    return answer.returncode == 0 and answer.stdout.strip() == sys.version


def _run(command: list[str], step: Step | None, *, suggestion: str) -> None:
    process = subprocess.Popen(
        command,
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    lines: list[str] = []
    said = time.monotonic()
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        detail = " ".join(line.split()[:2])
        if step is not None:
            step.progress(detail)
        if not sys.stdout.isatty() and time.monotonic() - said > QUIET_SECONDS:
            said = time.monotonic()
            say(f"      ... {detail}")
    if process.wait() != 0:
        raise Failure(
            f"The environment {ENVIRONMENT.name} could not be made (exit code {process.returncode}).",
            command=shlex.join(command),
            output="".join(lines),
            suggestion=suggestion,
        )


def _count(group: str) -> int:
    pins: set[str] = set()
    for name in GROUPS[group]:
        pins.update(re.findall(r"(?m)^([\w.-]+)(?:\[.*\])?==", (REPOSITORY / name).read_text()))
    return len(pins)


if __name__ == "__main__":
    raise SystemExit(main())
