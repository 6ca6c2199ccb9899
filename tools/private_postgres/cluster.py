"""One cluster on disk: its home directory, its account, initdb, and the command that serves it."""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tools.failures import Failure
from tools.parentage import dies_with_parent
from tools.private_postgres.binaries import open_to_others

SOCKET_NAME = ".s.PGSQL.5432"
# sun_path holds 108 bytes on Linux and 104 on macOS, its closing zero included.
LONGEST_SOCKET_PATH = 102
SUPERUSER = "postgres"


def socket_fits(home: Path) -> bool:
    return len(os.fsencode(home / SOCKET_NAME)) <= LONGEST_SOCKET_PATH


@dataclass(frozen=True, slots=True)
class Account:
    """The unprivileged account that PostgreSQL demands where we are root."""

    name: str
    user: int
    group: int
    groups: list[int]

    @classmethod
    def needed(cls) -> Account | None:
        if os.geteuid() != 0:
            return None
        for name in ("postgres", "nobody"):
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            groups = os.getgrouplist(name, entry.pw_gid)
            return cls(name=name, user=entry.pw_uid, group=entry.pw_gid, groups=groups)
        raise Failure(
            "PostgreSQL does not run as root, and this machine has neither the account postgres nor nobody.",
            suggestion="adduser --system --group postgres",
        )


@dataclass(frozen=True, slots=True)
class Cluster:
    home: Path  # mode 0700; holds data, socket, log and, for root, a copy of the wheel's programs
    binaries: Path
    durable: bool  # false: no fsync; a crash of the machine may corrupt the data
    account: Account | None

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "postgres.log"

    @property
    def url(self) -> str:
        return f"postgresql://{SUPERUSER}@{quote(str(self.home), safe='')}/postgres"

    def prepare(self) -> None:
        """Make the data directory where there is none. Raises Failure."""
        if not socket_fits(self.home):
            raise Failure(
                f"The path {self.home} is too long for a socket.",
                suggestion="use a directory nearer to the root",
            )
        self._own(self.home)
        if (self.data / "PG_VERSION").exists():
            return
        # `--no-sync` loses nothing that a test needs: a half-written cluster is never served again.
        sync = [] if self.durable else ["--no-sync"]
        locale = ["--encoding=UTF8", "--locale=C"]
        self._run("initdb", "-D", str(self.data), "-U", SUPERUSER, "--auth=trust", *locale, *sync)

    def serve(self) -> subprocess.Popen[bytes]:
        """Start the server, which accepts connections once `is_ready`. Only for a process of one thread."""
        options = {
            "listen_addresses": "",
            "unix_socket_directories": f'"{self.home}"',
            "unix_socket_permissions": "0700",
            "port": "5432",
            "max_connections": "100",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if not self.durable:
            options |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [str(self.program("postgres")), "-D", str(self.data), *settings],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.home,
                # A group of its own: Ctrl-C is for the owner, which stops the server last.
                start_new_session=True,
                # SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for its clients.
                preexec_fn=dies_with_parent(signal.SIGINT),
                user=self.account.user if self.account else None,
                group=self.account.group if self.account else None,
                extra_groups=self.account.groups if self.account else None,
            )

    def is_ready(self, server: int) -> bool:
        """Whether the process `server` accepts connections.

        PostgreSQL writes its status into the eighth line of its pid file; pg_ctl reads the same. The file of a
        server that was killed stays, so the first line must be ours.
        """
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0].strip() == str(server) and lines[7].strip() == "ready"

    def program(self, name: str) -> Path:
        return self._reachable_binaries() / name

    def _reachable_binaries(self) -> Path:
        """The programs, copied into the home where the server's account could not reach them.

        A wheel's programs find their libraries by relative path (`../../<name>.libs`), so the copy
        keeps that shape.
        """
        if self.account is None or open_to_others(self.binaries):
            return self.binaries
        install = self.binaries.parent
        copies = self.home / "programs"
        copy = copies / install.parent.name / install.name
        if not copy.exists():
            shutil.copytree(install, copy, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
            for libraries in install.parent.parent.glob(f"{install.parent.name}.libs"):
                shutil.copytree(libraries, copies / libraries.name, symlinks=True)
            for directory, _, _ in os.walk(copies):
                Path(directory).chmod(0o755)
        return copy / "bin"

    def _run(self, name: str, *arguments: str) -> None:
        command = [str(self.program(name)), *arguments]
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd=self.home,
            check=False,
            user=self.account.user if self.account else None,
            group=self.account.group if self.account else None,
            extra_groups=self.account.groups if self.account else None,
        )
        if done.returncode != 0:
            raise Failure(
                f"{name} ended with exit code {done.returncode}.",
                command=shlex.join(command),
                output=done.stdout,
                suggestion=f"look for space and permissions at {self.home}, or choose another server with "
                "MINISTRIPE_POSTGRES=wheel",
            )

    def _own(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o700)
        if self.account is not None:
            os.chown(directory, self.account.user, self.account.group)
