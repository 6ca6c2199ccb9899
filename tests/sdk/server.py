"""The API as it is deployed, under the SDKs: one granian process for all tests of a worker."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import stripe

from core.accounts import create_account
from core.api_keys import create_api_key
from core.models import Account
from tests.acceptance.product import Product
from tests.processes import worker_database_url

QUICK = {"BANK_DELAY_SECONDS": "0", "BANK_SUCCESS_RATE": "1"}


@dataclass(frozen=True, slots=True)
class Server:
    """Where it listens, and what starts further processes beside it."""

    port: int
    product: Product

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def running_server(**settings: str) -> Iterator[Server]:
    """On the database of this test worker."""
    with Product(worker_database_url(), **{**QUICK, **settings}) as product:
        yield Server(product.start_api().port, product)


@dataclass(frozen=True, slots=True)
class Merchant:
    """An account and a secret key of it."""

    account: Account
    key: str
    url: str

    def client(
        self, *, url: str | None = None, key: str | None = None, retries: int = 0
    ) -> stripe.StripeClient:
        """The official client, pointed at us by its base URL alone."""
        return stripe.StripeClient(
            key or self.key, base_addresses={"api": url or self.url}, max_network_retries=retries
        )


def new_merchant(server: Server) -> Merchant:
    """Committed, so that the server's process sees it."""
    account = create_account(name="Shop")
    return Merchant(account, create_api_key(account=account, name="sdk"), server.url)
