"""The official SDKs against a real server. What the API does not have yet is skipped by its name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import stripe

    from tests.api.callers import Caller
    from tests.sdk.server import Merchant, Server

HERE = Path(__file__).parent


# Imported within: pytest reads this file before Django's apps are loaded.
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    from tests.sdk.contract import lacking

    for item in items:
        if HERE not in item.path.parents:
            continue
        try:
            lacked = lacking(tuple(name for mark in item.iter_markers("verifies") for name in mark.args))
        except KeyError as unknown:
            raise pytest.UsageError(f"{item.nodeid} verifies {unknown}, which the contract has not") from None
        if lacked:
            item.add_marker(pytest.mark.skip(reason=f"the API has no {', '.join(lacked)} yet"))


@pytest.fixture(scope="session")
def server(django_db_setup: None) -> Iterator[Server]:
    from tests.sdk.server import running_server

    with running_server() as running:
        yield running


@pytest.fixture
def merchant(server: Server, transactional_db: None) -> Merchant:
    from tests.sdk.server import new_merchant

    return new_merchant(server)


@pytest.fixture
def sdk(merchant: Merchant) -> stripe.StripeClient:
    """The official Python client of that merchant."""
    return merchant.client()


@pytest.fixture
def caller(transactional_db: None, settings: Any) -> Caller:
    """A merchant within this process, whose bank answers at once and approves what is left to chance."""
    from core.accounts import create_account
    from core.api_keys import create_api_key
    from tests.api.callers import Caller

    settings.BANK = {"DELAY": timedelta(0), "SUCCESS_RATE": 1.0, "SEED": None}
    account = create_account(name="Shop")
    return Caller(account=account, key=create_api_key(account=account, name="tests"))
