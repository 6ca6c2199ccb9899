"""A server of this directory's tests with the product's tables in it."""

from collections.abc import Iterator

import pytest

from tests.crash.environment.postgres import MortalPostgres
from tests.processes import Command


@pytest.fixture(scope="module")
def postgres() -> Iterator[MortalPostgres]:
    with MortalPostgres() as server:
        with Command("migrate", "--verbosity=0", DATABASE_URL=server.url) as migrate:
            assert migrate.wait() == 0, migrate.output()
        yield server
