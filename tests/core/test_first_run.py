"""What whoever runs the first commands meets where the database is not as it should be: a sentence, no traceback."""

import subprocess
import sys
import uuid

import pytest
from django.db import DataError, OperationalError, ProgrammingError, connection

from core.management.unusable_database import unusable_database
from tests.processes import ROOT, command_environment

UNREACHABLE = "postgresql://nobody@127.0.0.1:1/none"


def ended(*arguments: str, url: str) -> tuple[int, list[str]]:
    """The exit code and the lines on standard error."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "manage.py", *arguments],
        cwd=ROOT, env=command_environment(DATABASE_URL=url), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr.splitlines()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("migrate",), 3), (("create_api_key",), 3), (("runserver", "--noreload", "1"), 1)],
)
def test_a_server_that_is_not_there_is_told_in_one_sentence(arguments, code):
    found, lines = ended(*arguments, url=UNREACHABLE)
    (line,) = (line for line in lines if "connection to server" in line)
    assert (found, lines[-1]) == (code, line)
    assert line.startswith("error: cannot reach PostgreSQL: ")
    assert "DATABASE_URL" in line


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://root@localhost/shop"])
def test_an_address_that_is_no_postgresqls_is_told_with_an_example(url):
    code, lines = ended("migrate", url=url)
    assert (code, len(lines)) == (2, 2)
    assert lines[1].startswith("  DATABASE_URL: Must be where PostgreSQL is, such as postgresql://")


@pytest.mark.django_db(transaction=True)
def test_tables_that_are_not_there_yet_are_told_with_the_command_that_makes_them():
    name = f"empty_{uuid.uuid4().hex}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        try:
            url = command_environment()["DATABASE_URL"]
            code, lines = ended("create_api_key", url=url.replace(connection.settings_dict["NAME"], name))
        finally:
            cursor.execute(f"DROP DATABASE {name}")
    assert (code, len(lines)) == (3, 1)
    assert lines[0].startswith("error: the database is not ready (relation")
    assert lines[0].endswith("run: manage.py migrate")


def test_what_a_database_that_works_refuses_stays_a_fault():
    def caused(error, code):
        error.__cause__ = type("Cause", (Exception,), {"pgcode": code})()
        return error

    assert unusable_database(caused(OperationalError("terminating connection"), "57P01")) is not None
    assert unusable_database(caused(OperationalError("deadlock detected"), "40P01")) is None
    assert unusable_database(caused(ProgrammingError("syntax error"), "42601")) is None
    assert unusable_database(DataError("out of range")) is None
