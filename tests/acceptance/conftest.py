"""A shop that receives, for tests that drive the whole with real processes."""

from collections.abc import Iterator

import pytest

from tests.acceptance.shop import Shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    """Set up before and ended after the processes that send to it."""
    with Shop() as receiver:
        yield receiver
