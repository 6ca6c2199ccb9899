from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.portal.visitors import Visitor


@pytest.fixture(autouse=True)
def least_privileges(api_may_no_more_than_its_role: None) -> None:
    """A page that asks for more than the API's SQL role may do fails here, and not in a deployment."""


# Imported within: pytest reads this file before Django's apps are loaded.
@pytest.fixture
def visitor(db: None) -> Visitor:
    """Of an account without anything."""
    from core.accounts import create_account
    from core.api_keys import create_api_key
    from tests.api.callers import Caller
    from tests.portal.visitors import visit

    account = create_account(name="Shop")
    return visit(Caller(account=account, key=create_api_key(account=account, name="tests")))
