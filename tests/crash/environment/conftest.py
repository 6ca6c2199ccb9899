"""A server of this directory's tests with the product's tables in it."""

from collections.abc import Iterator

import pytest

from tests.acceptance.server import Server, durable_server
from tests.processes import Command


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    with durable_server() as server:
        with Command("migrate", "--verbosity=0", DATABASE_URL=server.url) as migrate:
            assert migrate.wait() == 0, migrate.output()
        yield server
