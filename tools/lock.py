"""`make lock`: pins with hashes, for every platform and supported Python, from the ranges of pyproject.toml.

The development file is resolved first and holds everything; the other two take their pins from it, so a
package has one version in the whole repository.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from tools.failures import Failure

REPOSITORY = Path(__file__).resolve().parent.parent
RESOLVER = "uv==0.13.9"
LOCKS = {
    "requirements-dev.txt": ["app", "demo", "dev"],
    "requirements.txt": ["app"],
    "tools/demo/requirements.txt": ["app", "demo"],
}


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="ministripe-lock-") as place:
        venv.create(place, with_pip=True)
        tools = Path(place) / "bin"
        _run([str(tools / "pip"), "install", "--quiet", "--disable-pip-version-check", RESOLVER])
        constraints: list[str] = []
        for file, extras in LOCKS.items():
            _run([str(tools / "uv"), *_compile(file, extras), *constraints, *sys.argv[1:]])
            constraints = ["--constraint", "requirements-dev.txt"]
            print(file)
    return 0


def _compile(file: str, extras: list[str]) -> list[str]:
    return [
        "pip",
        "compile",
        "--quiet",
        "--universal",
        "--python-version=3.11",
        "--generate-hashes",
        "--no-annotate",
        "--custom-compile-command=make lock",
        *(f"--extra={extra}" for extra in extras),
        f"--output-file={file}",
        "pyproject.toml",
    ]


def _run(command: list[str]) -> None:
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(
            "The requirements could not be locked.",
            command=shlex.join(command),
            output=done.stdout + done.stderr,
            suggestion="widen the range in pyproject.toml that the resolver names",
        )


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except Failure as failure:
        raise SystemExit(str(failure)) from None
