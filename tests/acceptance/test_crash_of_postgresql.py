"""PostgreSQL dies under load and comes back: every process finds it again, and nothing acknowledged is missing."""

from collections.abc import Iterator

import pytest

from tests.acceptance.client import ApiClient
from tests.acceptance.evidence import (
    assert_both_packages_verify,
    assert_each_payment_ended_once,
    assert_every_event_arrived,
    assert_every_request_has_its_attempt,
    assert_lanes_are_empty,
    deliveries,
    everything_ended,
    rows,
)
from tests.acceptance.payers import Payers
from tests.acceptance.product import IMPATIENT, Product
from tests.acceptance.server import Server, durable_server
from tests.acceptance.shop import Shop
from tests.processes import until

pytestmark = [pytest.mark.acceptance]

PAYMENTS = 120
PATH = "/hook"


@pytest.fixture
def server() -> Iterator[Server]:
    with durable_server() as server:
        yield server


def test_no_acknowledged_payment_is_missing_after_postgresql_died_under_load(
    server: Server, shop: Shop
) -> None:
    with Product(server.url) as product:
        product.run("migrate", "--verbosity=0")
        api_key = product.create_api_key()
        dispatchers = [product.start_dispatcher(), product.start_dispatcher()]
        settlement = product.start_settlement()
        # At start an absent database is a mistake to mend, later one to wait out: this is about later.
        until(lambda: sessions(server.url) == 3, what="the sessions of all three")
        api = product.start_api(workers=2)
        with ApiClient(api.port, api_key) as client:
            endpoint = client.post(
                "/webhook_endpoints/", {"url": shop.url(PATH), "enabled_events": ["*"]}, key="endpoint"
            )
        workers = api.workers

        with Payers(port=api.port, api_key=api_key) as payers:
            payers.order(range(PAYMENTS))
            until(lambda: payers.have_paid(20), what="payments under load")
            server.kill()
            acknowledged = dict(payers.paid)
            assert len(acknowledged) < PAYMENTS, "the load was over before the crash"
            settlement.says("settlement.database_unavailable")
            for dispatcher in dispatchers:
                dispatcher.says("database out of reach")
            server.start_again()
        until(lambda: everything_ended(server.url), what="the end of every payment and delivery")

        # By themselves: nobody started any of them again.
        assert api.workers == workers
        for process in (settlement, *dispatchers, api.command):
            product.stop(process)

        assert payers.paid.items() >= acknowledged.items()
        assert sorted(payers.paid) == list(range(PAYMENTS))
        assert_each_payment_ended_once(server.url, payers.paid)
        found = deliveries(server.url, shop.received)
        assert_every_event_arrived(server.url, found, paths={PATH})
        assert_every_request_has_its_attempt(found, lease_seconds=float(IMPATIENT["WEBHOOK_LEASE_SECONDS"]))
        assert_both_packages_verify(shop.received, {PATH: endpoint.content["secret"]})
        assert_lanes_are_empty(server.url)


def sessions(database_url: str) -> int:
    """Of the product; ours has no such name."""
    count: int = rows(
        database_url, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ministripe'"
    )[0][0]
    return count
