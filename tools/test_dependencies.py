"""Programs that tests drive and pip cannot bring.

`python -m tools.test_dependencies` installs what is missing where that is one safe command (root on Debian),
and names that command elsewhere. It never fails: a test without its program is skipped with the same words.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Program:
    name: str
    package: str  # Debian's
    reason: str

    @property
    def install(self) -> str:
        return f"apt-get install --no-install-recommends {self.package}"

    @property
    def is_missing(self) -> bool:
        return shutil.which(self.name) is None


DOCKER_COMPOSE = Program("docker-compose", "docker-compose", "the compose file is checked with it")
NODE = Program("node", "nodejs", "the Node snippet of the README is run with it")
GO = Program("go", "golang-go", "the Go snippet of the documentation is run with it")
JAVA = Program("javac", "default-jdk-headless", "the Java snippet of the documentation is run with it")
OPENSSL = Program("openssl", "openssl", "the openssl snippets of the documentation are run with it")
CURL = Program("curl", "curl", "the requests of the README are made with it")
RABBITMQ = Program("rabbitmq-server", "rabbitmq-server", "workers get their hints through it")
REDIS = Program("redis-server", "redis-server", "workers get their hints through it")
PROGRAMS = (DOCKER_COMPOSE, NODE, GO, JAVA, OPENSSL, CURL, RABBITMQ, REDIS)
# Debian asks it before a package starts its service; 101 is no.
SERVICE_POLICY = Path("/usr/sbin/policy-rc.d")


def main() -> int:
    missing = [program for program in PROGRAMS if program.is_missing]
    if not missing:
        return 0
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        for program in missing:
            print(f"{program.name} is missing ({program.reason}); enable with: {program.install}")
        return 0
    packages = [program.package for program in missing]
    print(
        f"Installing {', '.join(packages)} by apt-get: {'; '.join(p.reason for p in missing)} ...", flush=True
    )
    with services_left_alone():
        if not _apt_get("install", "-y", "--no-install-recommends", *packages):
            # Package lists may be absent (fresh image) or old.
            _apt_get("update")
            if not _apt_get("install", "-y", "--no-install-recommends", *packages, quiet=False):
                print("apt-get could not; the tests that need these are skipped.", file=sys.stderr)
    return 0


@contextlib.contextmanager
def services_left_alone(policy: Path = SERVICE_POLICY) -> Iterator[None]:
    """Within, a package that brings a service does not start it: tests start servers of their own."""
    try:
        with policy.open("x") as file:
            file.write("#!/bin/sh\nexit 101\n")
    except OSError:
        # There is one, and it is its owner's word; or the directory is closed to us.
        yield
        return
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()


def _apt_get(*arguments: str, quiet: bool = True) -> bool:
    done = subprocess.run(
        ["apt-get", "-qq", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL if quiet else None,
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        check=False,
    )
    return done.returncode == 0


def provide(program: Program) -> None:
    """One program that something else than a test needs: installed where that is safe, else named; never fails."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(f"{program.name} is missing ({program.reason}); enable with: {program.install}")
        return
    print(f"Installing {program.package} by apt-get: {program.reason} ...", flush=True)
    arguments = ("install", "-y", "--no-install-recommends", program.package)
    if not _apt_get(*arguments):
        _apt_get("update")
        _apt_get(*arguments, quiet=False)


if __name__ == "__main__":
    raise SystemExit(main())
