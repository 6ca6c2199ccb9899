"""A shop that receives what CLIs forward and dispatchers send."""

from collections.abc import Iterator

import pytest

from tests.acceptance.shop import Shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    """Set up before and ended after the processes that send to it."""
    with Shop() as receiver:
        yield receiver
