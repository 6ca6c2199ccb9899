"""The ground of every scenario: a private PostgreSQL, nginx, a migrated database of one's own; all of it ended."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg2

from bench import nginx
from bench.cpu import tree_seconds
from bench.processes import Program, Programs
from outbox.sql import statements
from tools.private_postgres import PrivatePostgres

# Where the server's account may not look; and /tmp may be small, or in memory.
PLACE = Path("/var/tmp")
SETTINGS = {
    "WEBHOOK_ALLOW_HTTP": "true",
    "WEBHOOK_ALLOW_ADDRESSES": "127.0.0.0/8",
    "WEBHOOK_EXTRA_PORTS": "any",
    "LOCAL_SECRETS": "false",
    "DEBUG": "false",
    "SECRET_KEY": "of-a-benchmark-" + "s" * 40,
    "API_KEY_HASH_KEY": "of-a-benchmark-" + "h" * 40,
    "BANK_SUCCESS_RATE": "1",
    "WEBHOOK_SECRET_KEYS": "b25seS1mb3ItYmVuY2gtb25seS1mb3ItYmVuY2gtMDE=",
}
_SQL = statements("bench.sql")
_MIGRATED = "bench_migrated"


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a scenario finds its database, its receiver and the servers whose CPU seconds count."""

    programs: Programs
    database_url: str
    receiver: str  # nginx's URL
    servers: dict[str, int]  # name → process id
    place: Path  # a directory for what a scenario writes

    def start(
        self,
        name: str,
        *arguments: str,
        program: str = sys.executable,
        output: Path | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> Program:
        """A program on this stage's database; see Programs.start."""
        known = {"DATABASE_URL": self.database_url, **(variables or {})}
        return self.programs.start(name, *arguments, program=program, output=output, variables=known)

    def run(self, name: str, *arguments: str) -> Program:
        """The same, to its end. Raises Failure where it ends badly."""
        program = self.start(name, *arguments)
        program.wait()
        return program

    def execute(self, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """A statement of bench/sql/, by name, or a text; committed. The rows, where it gives any."""
        with self.connection() as connection, connection.cursor() as cursor:
            cursor.execute(_SQL.get(statement, statement), parameters)
            return [] if cursor.description is None else cursor.fetchall()

    @contextmanager
    def connection(self) -> Iterator[Any]:
        """A connection in autocommit mode, closed at the end."""
        connection = psycopg2.connect(self.database_url)
        connection.autocommit = True
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def database(self, name: str) -> Iterator[Stage]:
        """This stage on a freshly migrated database of its own, dropped at the end."""
        admin = replace(self, database_url=_on(self.database_url, "template1"))
        admin.execute(f"DROP DATABASE IF EXISTS bench_{name}")
        admin.execute(f"CREATE DATABASE bench_{name} TEMPLATE {_MIGRATED}")
        try:
            yield replace(self, database_url=_on(self.database_url, f"bench_{name}"))
        finally:
            admin.execute(f"DROP DATABASE bench_{name} WITH (FORCE)")

    @staticmethod
    def cpu_seconds_of(groups: Mapping[str, int]) -> dict[str, float]:
        """What each tree of processes has used so far, by its name."""
        return {name: tree_seconds(pid) for name, pid in groups.items()}


@contextmanager
def stage(*, durable: bool = True) -> Iterator[Stage]:
    """Everything up, on loopback and sockets only; all of it ended by id at the end, also on Ctrl-C.

    Args:
        durable: with fsync, as everything that is timed needs it. Without, millions of rows load sooner.
    """
    with (
        PrivatePostgres(durable=durable) as postgres,
        tempfile.TemporaryDirectory(dir=PLACE, prefix="ministripe-bench-") as directory,
    ):
        place = Path(directory)
        place.chmod(0o755)
        # Of the settings around us only what programs need to start is passed on.
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        with (
            Programs({**kept, **SETTINGS}, place) as programs,
            nginx.running(programs, place) as (server, url),
        ):
            servers = {"PostgreSQL": _postmaster(postgres.url), "nginx": server.pid}
            ground = Stage(programs, _on(postgres.url, "template1"), url, servers, place)
            ground.execute(f"CREATE DATABASE {_MIGRATED}")
            migrated = replace(ground, database_url=_on(postgres.url, _MIGRATED))
            migrated.run("migrate", "manage.py", "migrate", "--verbosity", "0")
            yield migrated


def _postmaster(url: str) -> int:
    home = Path(unquote(urlsplit(url).hostname or ""))
    return int((home / "data" / "postmaster.pid").read_text().splitlines()[0])


def _on(url: str, database: str) -> str:
    return urlsplit(url)._replace(path=f"/{database}").geturl()
