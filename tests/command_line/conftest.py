"""An account with an endpoint at a receiver, and the processes that deliver to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from core.models import Account
    from dispatcher.models import Endpoint
    from outbox.models import Event
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


@pytest.fixture
def failed(endpoint: Endpoint) -> list[Event]:
    """Three events whose deliveries are dead-lettered."""
    from outbox.models import PendingEvent
    from tests.dispatcher.scenes import fan_out, query, record
    from tests.processes import until

    events = record(3, owner=endpoint.owner, type="customer.created")
    fan_out()
    # A dispatcher of this module may have taken the pointers before, and make the deliveries a moment later.
    until(lambda: not PendingEvent.objects.exists(), what="the deliveries of the events")
    query("DELETE FROM dispatcher_delivery")
    for event in events:
        query(
            "INSERT INTO dispatcher_finished_delivery "
            "(id, owner, endpoint_id, event_id, state, reason, attempts, resend_no, finished_at) "
            "VALUES (outbox_uuid7(), %s, %s, %s, 'dead_lettered', 'schedule_over', 3, 0, now())",
            endpoint.owner, endpoint.id, event.id,
        )  # fmt: skip
    return events
