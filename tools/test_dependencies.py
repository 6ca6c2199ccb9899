"""Programs and Node packages that tests drive and pip cannot bring.

`python -m tools.test_dependencies` installs what is missing where that is one safe command (root on Debian; Node
packages into the checkout), and names that command elsewhere. It never fails: a test without its program is skipped
with the same words.
"""

from __future__ import annotations

import contextlib
import hashlib
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
    package: str  # Debian's; several with spaces between
    reason: str

    @property
    def install(self) -> str:
        return f"apt-get install --no-install-recommends {self.package}"

    @property
    def path(self) -> str | None:
        """Where it is; Debian's directory for servers is not on everybody's PATH."""
        return shutil.which(self.name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")

    @property
    def is_missing(self) -> bool:
        return self.path is None


DOCKER_COMPOSE = Program("docker-compose", "docker-compose", "the compose file is checked with it")
NODE = Program("node", "nodejs", "the Node snippet of the README is run with it")
NPM = Program("npm", "npm", "the Stripe CLI, the Node SDK and axe-core come by it")
GO = Program("go", "golang-go", "the Go snippet of the documentation is run with it")
JAVA = Program("javac", "default-jdk-headless", "the Java snippet of the documentation is run with it")
OPENSSL = Program("openssl", "openssl", "the openssl snippets of the documentation are run with it")
CURL = Program("curl", "curl", "the requests of the README are made with it")
RABBITMQ = Program("rabbitmq-server", "rabbitmq-server", "workers get their hints through it")
REDIS = Program("redis-server", "redis-server", "workers get their hints through it")
NGINX = Program("nginx", "nginx-light", "slow clients meet the API behind it, as it is deployed")
COMPILER = Program("cc", "gcc libc6-dev", "the clock of dispatchers is set wrong by a library of C")
CHROMIUM = Program("chromium", "chromium fonts-dejavu-core", "the pages are opened in it")
RUBY = Program("ruby", "ruby", "the Ruby snippet of the documentation is run with it")
PHP = Program("php", "php-cli", "the PHP snippet of the documentation is run with it")
PROMTOOL = Program("promtool", "prometheus", "the alert rules are checked with it")
PGBOUNCER = Program("pgbouncer", "pgbouncer", "the API is tried behind it, in transaction mode")
ZSH = Program("zsh", "zsh", "the completion of commands is loaded into it")
PROGRAMS = (
    DOCKER_COMPOSE,
    NODE,
    NPM,
    GO,
    JAVA,
    OPENSSL,
    CURL,
    RABBITMQ,
    REDIS,
    NGINX,
    COMPILER,
    CHROMIUM,
    RUBY,
    PHP,
    PROMTOOL,
    PGBOUNCER,
    ZSH,
)


@dataclass(frozen=True, slots=True)
class NodePackages:
    """What a package-lock.json names, installed beside it and nowhere else. No script of a package is run."""

    directory: Path

    @property
    def install(self) -> str:
        return f"npm ci --ignore-scripts --prefix {self.directory.relative_to(ROOT)}"

    @property
    def is_missing(self) -> bool:
        return not self._stamp.exists()

    def path(self, *parts: str) -> Path:
        return self.directory.joinpath("node_modules", *parts)

    def provide(self) -> None:
        """Install what the lock names, where it is not what is there."""
        if not self.is_missing:
            return
        npm = shutil.which("npm")
        if npm is None:
            print(f"Node packages are missing; enable with: {self.install}")
            return
        print("Installing the Node packages of the tests ...", flush=True)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        command += ["--fetch-retries=1", "--fetch-timeout=60000"]  # off the network it is soon said
        done = subprocess.run(command, cwd=self.directory, stdin=subprocess.DEVNULL, check=False)
        if done.returncode == 0:
            self._stamp.touch()
        else:
            print("npm could not; the tests that need its packages are skipped.", file=sys.stderr)

    @property
    def _stamp(self) -> Path:
        """There while what is installed is what the lock names now."""
        digest = hashlib.sha256((self.directory / "package-lock.json").read_bytes())
        return self.path(f".installed-{digest.hexdigest()[:16]}")


ROOT = Path(__file__).resolve().parent.parent
NODE_PACKAGES = NodePackages(ROOT / "tests" / "node")
# Debian asks it before a package starts its service; 101 is no.
SERVICE_POLICY = Path("/usr/sbin/policy-rc.d")


def main() -> int:
    _provide_programs()
    NODE_PACKAGES.provide()
    return 0


def _provide_programs() -> None:
    missing = [program for program in PROGRAMS if program.is_missing]
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        for program in missing:
            print(f"{program.name} is missing ({program.reason}); enable with: {program.install}")
        return
    packages = [package for program in missing for package in program.package.split()]
    print(
        f"Installing {', '.join(packages)} by apt-get: {'; '.join(p.reason for p in missing)} ...", flush=True
    )
    with services_left_alone():
        if not _apt_get("install", "-y", "--no-install-recommends", *packages):
            # Package lists may be absent (fresh image) or old.
            _apt_get("update")
            if not _apt_get("install", "-y", "--no-install-recommends", *packages, quiet=False):
                print("apt-get could not; the tests that need these are skipped.", file=sys.stderr)


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
    arguments = ("install", "-y", "--no-install-recommends", *program.package.split())
    if not _apt_get(*arguments):
        _apt_get("update")
        _apt_get(*arguments, quiet=False)


if __name__ == "__main__":
    raise SystemExit(main())
