from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from core.models import Account


# Imported within: pytest reads this file before Django's apps are loaded.
def _account(name: str) -> Account:
    from core.accounts import create_account

    return create_account(name=name)


@pytest.fixture
def account(db: None) -> Account:
    return _account("Shop")


@pytest.fixture
def other_account(db: None) -> Account:
    return _account("Another shop")


@pytest.fixture
def bank(settings: Any) -> dict[str, Any]:
    """The bank's settings, to change: it answers at once and approves what is left to chance."""
    settings.BANK = {"DELAY": timedelta(0), "SUCCESS_RATE": 1.0, "SEED": None}
    values: dict[str, Any] = settings.BANK
    return values
