"""A database with the SQL roles of a deployment, and what reaches it as each of them."""

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psycopg2
from psycopg2.sql import SQL, Identifier, Literal

from core.roles import ROLES, role_name
from tests.deploy.production import manage


@dataclass(frozen=True, slots=True)
class Deployment:
    """A migrated database of its own, and roles that no other test has."""

    owner_url: str
    prefix: str
    password: str

    def url(self, role: str) -> str:
        """How a process of this role connects."""
        parts = urlsplit(self.owner_url)
        _, _, host = parts.netloc.rpartition("@")
        user = f"{role_name(self.prefix, role)}:{self.password}"
        return parts._replace(netloc=f"{user}@{host}").geturl()

    def rows(self, statement: str, *parameters: Any, role: str | None = None) -> list[tuple[Any, ...]]:
        """One statement, committed, in a session of the role, or of the owner."""
        url = self.owner_url if role is None else self.url(role)
        with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement, parameters or None)
            return [] if cursor.description is None else cursor.fetchall()

    def make_roles(self, *flags: str) -> str:
        """What the command prints."""
        done = manage("make_roles", "--prefix", self.prefix, *flags, database_url=self.owner_url)
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def deployed(server_url: str) -> Iterator[Deployment]:
    """Made on this server; both database and roles are gone afterwards."""
    unique = secrets.token_hex(4)
    database, prefix, password = f"deployed_{unique}", f"deployed_{unique}", secrets.token_hex(16)
    url = urlsplit(server_url)._replace(path=f"/{database}").geturl()
    deployment = Deployment(url, prefix, password)
    names = [Identifier(role_name(prefix, role)) for role in ROLES]
    with closing(psycopg2.connect(server_url)) as server, server.cursor() as cursor:
        server.autocommit = True
        cursor.execute(SQL("CREATE DATABASE {}").format(Identifier(database)))
        try:
            done = manage("migrate", "--verbosity", "0", database_url=url)
            assert done.returncode == 0, done.stderr
            deployment.make_roles()
            for name in names:
                cursor.execute(SQL("ALTER ROLE {} PASSWORD {}").format(name, Literal(password)))
            yield deployment
        finally:
            cursor.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(database)))
            for name in names:
                cursor.execute(SQL("DROP ROLE IF EXISTS {}").format(name))
