from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.api.callers import Caller


# Imported within: pytest reads this file before Django's apps are loaded.
def _caller(name: str) -> Caller:
    from core.accounts import create_account
    from core.api_keys import create_api_key
    from tests.api.callers import Caller

    account = create_account(name=name)
    return Caller(account=account, key=create_api_key(account=account, name="tests"))


@pytest.fixture
def caller(db: None) -> Caller:
    return _caller("Shop")


@pytest.fixture
def other_caller(db: None) -> Caller:
    return _caller("Another shop")


@pytest.fixture
def bank(settings: Any) -> dict[str, Any]:
    """It answers at once and approves what is left to chance."""
    settings.BANK = {"DELAY": timedelta(0), "SUCCESS_RATE": 1.0, "SEED": None}
    values: dict[str, Any] = settings.BANK
    return values
