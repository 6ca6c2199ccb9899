"""The wheel, built from this tree and unpacked where nothing else lies, and a project that uses it."""

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psycopg2
import pytest
from psycopg2.extensions import parse_dsn

REPOSITORY = Path(__file__).resolve().parents[2]
# What pyproject.toml asks of the build backend; an older one in this environment is passed over.
LEAST_SETUPTOOLS = 77
# libpq's names of a connection's parts, as its environment variables have them.
LIBPQ = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD"}


@dataclass(frozen=True, slots=True)
class Project:
    """The parcels project on a database of its own."""

    directory: Path
    environment: Mapping[str, str]

    def run(self, *arguments: str, settings: str = "parcels.settings") -> subprocess.CompletedProcess[str]:
        """`python …` with warnings as errors, in a directory that holds none of the repository's packages."""
        done = subprocess.run(
            [sys.executable, "-W", "error", *arguments],
            cwd=self.directory,
            env={**self.environment, "DJANGO_SETTINGS_MODULE": settings},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of what git knows of: a build leaves its traces beside its sources."""
    sources = tmp_path_factory.mktemp("sources")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (REPOSITORY / name).is_file():
            (sources / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(REPOSITORY / name, sources / name)
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(sources / "dist"), str(sources)]
    if int(version("setuptools").partition(".")[0]) >= LEAST_SETUPTOOLS:
        command.insert(-1, "--no-isolation")
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (found,) = (sources / "dist").glob("*.whl")
    return found


@pytest.fixture(scope="session")
def project(wheel: Path, tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Project]:
    """The apps come from the wheel, and what they need from this environment: no network is used."""
    installed = tmp_path_factory.mktemp("installed")
    shutil.unpack_archive(wheel, installed, "zip")
    directory = tmp_path_factory.mktemp("project")
    shutil.copytree(Path(__file__).parent / "parcels", directory / "parcels")
    server = parse_dsn(database_url)
    database = f"parcels_{uuid.uuid4().hex}"
    _administer(database_url, f'CREATE DATABASE "{database}"')
    try:
        yield Project(
            directory,
            {
                "PATH": os.environ["PATH"],
                "PYTHONPATH": os.pathsep.join([str(installed), str(directory)]),
                "PYTHONSAFEPATH": "1",
                "SECRET_KEY": "only-for-tests-" + "p" * 40,
                "PGDATABASE": database,
                **{LIBPQ[part]: str(value) for part, value in server.items() if part in LIBPQ},
            },
        )
    finally:
        _administer(database_url, f'DROP DATABASE "{database}" WITH (FORCE)')


def _administer(database_url: str, statement: str) -> None:
    """Databases are made and dropped outside of transactions."""
    connection = psycopg2.connect(database_url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()
