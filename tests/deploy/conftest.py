from collections.abc import Iterator

import pytest

from tests.acceptance.shop import Shop
from tests.deploy.deployment import Deployment, deployed


@pytest.fixture(scope="module")
def deployment(database_url: str) -> Iterator[Deployment]:
    with deployed(database_url) as made:
        yield made


@pytest.fixture
def shop() -> Iterator[Shop]:
    """Set up before and ended after the processes that send to it."""
    with Shop() as receiver:
        yield receiver
