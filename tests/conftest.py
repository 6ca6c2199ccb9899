"""One PostgreSQL for the whole run: DATABASE_URL's, else a private one that ends with the run.

MINISTRIPE_POSTGRES=wheel forces the embedded server (the newest supported version), =machine this
machine's. Under pytest-xdist the controller starts the server, its workers inherit DATABASE_URL, and
pytest-django gives each worker a database of its own.
"""

import os
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from django.conf import settings

from tools.failures import Failure
from tools.private_postgres import PrivatePostgres

# Tests read no secrets file of the checkout and leave none behind.
os.environ["LOCAL_SECRETS"] = "false"
os.environ["SECRET_KEY"] = "only-for-tests-" + "s" * 40
os.environ["API_KEY_HASH_KEY"] = "only-for-tests-" + "h" * 40
os.environ["WEBHOOK_SECRET_KEYS"] = "b25seS1mb3ItdGVzdHMtb25seS1mb3ItdGVzdHMtMDE="
# Whoever runs the tests may want colours or none; a test that looks at them says so itself.
for preference in ("NO_COLOR", "FORCE_COLOR"):
    os.environ.pop(preference, None)


# The gate tries the same examples each time, however slow the machine is; a finding does not come and go.
hypothesis.settings.register_profile("gate", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("gate")


def _start_server() -> PrivatePostgres | None:
    """Runs while pytest imports this file: settings need DATABASE_URL, and pytest-django loads them next."""
    if os.environ.get("DATABASE_URL"):
        return None
    try:
        server = PrivatePostgres(durable=False)
        server.start()
    except Failure as failure:
        raise pytest.UsageError(str(failure)) from None
    os.environ["DATABASE_URL"] = server.url
    return server


_server = _start_server()
# Named here and not in pyproject.toml: from there pytest-django would load the settings before this file.
os.environ["DJANGO_SETTINGS_MODULE"] = "core.settings"
assert settings.DATABASES


def pytest_xdist_auto_num_workers() -> int:
    """Many tests wait for processes that they started; half as many workers again keep the processors busy."""
    return max(2, (os.cpu_count() or 1) * 3 // 2)


def pytest_report_header() -> str:
    return f"postgres: {_server.binaries if _server else 'the server of DATABASE_URL'}"


def pytest_unconfigure() -> None:
    if _server is not None:
        _server.stop()


# What tests tell at the end of the run, by the name of the property that they record.
SECTIONS = {
    "fields": "fields of the stripe packages",
    "hostile": "hostile endpoints",
    "model": "model of the claim protocol",
    "ssrf": "addresses that no delivery may reach",
    "tenants": "tenant matrix",
    "canaries": "canaries",
}


@pytest.fixture(scope="session", autouse=True)
def quick_emptying() -> Iterator[None]:
    # Imported within: pytest reads this file before Django has its settings.
    from django.db.backends.postgresql.operations import DatabaseOperations

    from tests.emptying import sql_flush

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", sql_flush)
        yield


@pytest.fixture(scope="session")
def sql_roles(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """The prefix of the SQL roles of a deployment, in the database of the tests."""
    from tests.roles import made_roles

    with django_db_blocker.unblock(), made_roles() as prefix:
        yield prefix


@pytest.fixture
def api_may_no_more_than_its_role(sql_roles: str) -> Iterator[None]:
    """What a browser of the tests asks for is done in a session with the privileges of the API's SQL role."""
    from django.test.client import ClientHandler

    from tests.roles import as_api

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ClientHandler, "__call__", as_api(sql_roles, ClientHandler.__call__))
        yield


@pytest.fixture(scope="session")
def database_url() -> str:
    """The server of this run, for real processes of a test that make a database of their own on it."""
    return os.environ["DATABASE_URL"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests compared and counted; the properties also come from the workers of pytest-xdist."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    for section, title in SECTIONS.items():
        lines = sorted(
            str(value) for report in reports for name, value in report.user_properties if name == section
        )
        if lines:
            terminalreporter.section(title)
            for line in lines:
                terminalreporter.write_line(line)
