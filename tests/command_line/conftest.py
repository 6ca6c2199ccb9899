"""An account with an endpoint at a receiver, and the processes that deliver to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from core.models import Account
    from dispatcher.models import Endpoint
    from tests.acceptance.product import Product
    from tests.acceptance.shop import Shop


@pytest.fixture
def account(db: None) -> Account:
    from core.accounts import create_account

    return create_account(name="Shop")


@pytest.fixture
def endpoint(account: Account) -> Endpoint:
    """Of a URL at which nobody listens."""
    from tests.dispatcher.scenes import make_endpoint

    return make_endpoint(owner=account.public_id)


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    """Ended after the processes that keep connections to it; a test looks for its own events there."""
    from tests.acceptance.shop import Shop

    with Shop() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def delivering(django_db_setup: None, shop: Shop) -> Iterator[Product]:
    """A dispatcher and a settlement on the test's database, for all tests of a module."""
    from tests.acceptance.product import Product
    from tests.processes import worker_database_url

    with Product(worker_database_url()) as product:
        product.start_dispatcher("--poll-interval", "0.01").says("dispatcher ready")
        product.start_settlement()
        yield product
