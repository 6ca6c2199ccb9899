"""A shop that receives, for tests that drive the whole with real processes."""

from collections.abc import Iterator

import pytest

from tests.acceptance.shop import Shop
from tests.brokers import KINDS, flush, running_broker
from tools.private_brokers import PrivateBroker


@pytest.fixture
def shop() -> Iterator[Shop]:
    """Set up before and ended after the processes that send to it."""
    with Shop() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[PrivateBroker]:
    with running_broker("rabbitmq") as server:
        yield server


@pytest.fixture(scope="session")
def redis() -> Iterator[PrivateBroker]:
    with running_broker("redis") as server:
        yield server


@pytest.fixture(params=KINDS)
def broker(request: pytest.FixtureRequest) -> PrivateBroker:
    """Each kind in turn, with nothing in it; set up before the processes that use it."""
    server: PrivateBroker = request.getfixturevalue(request.param)
    flush(server)
    return server
