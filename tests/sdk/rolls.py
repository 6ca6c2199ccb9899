"""Bytes that a dispatcher really delivered while an endpoint's secret was rolled."""

import base64
from dataclasses import dataclass
from typing import Any

import requests

from tests.acceptance.shop import Shop
from tests.processes import until
from tests.sdk.server import Server, new_merchant


@dataclass(frozen=True, slots=True)
class Roll:
    """One delivery, signed with both secrets."""

    old_secret: str
    new_secret: str
    stranger: str  # another endpoint's
    body: bytes
    headers: dict[str, str]  # names in lower case
    event_type: str

    def as_json(self) -> dict[str, Any]:
        return {
            "oldSecret": self.old_secret,
            "newSecret": self.new_secret,
            "stranger": self.stranger,
            "body": base64.b64encode(self.body).decode(),
            "headers": self.headers,
            "eventType": self.event_type,
        }


def delivered_during_a_roll(server: Server) -> Roll:
    """A merchant whose endpoint is rolled, and the event of a customer that is made thereafter."""
    merchant = new_merchant(server)
    with Shop() as shop:
        dispatcher = server.product.start_dispatcher()
        client = merchant.client()
        endpoint = client.v1.webhook_endpoints.create(
            {"url": shop.url("/hook"), "enabled_events": ["customer.created"]}
        )
        # Stripe rolls in its dashboard; here it is a call.
        rolled = requests.post(
            f"{server.url}/v1/webhook_endpoints/{endpoint.id}/roll_secret",
            headers={"Authorization": f"Bearer {merchant.key}"},
            timeout=60,
        ).json()
        other = client.v1.webhook_endpoints.create(
            {"url": shop.url("/other"), "enabled_events": ["customer.created"]}
        )
        client.v1.customers.create({"name": "Zoë 🧾", "metadata": {"order": "6735"}})

        def hooks() -> list[Any]:
            return [
                request for request in list(shop.received) if request.path == "/hook" and request.answered
            ]

        until(hooks, what="the delivery")
        server.product.stop(dispatcher)
        [received] = hooks()
    assert endpoint.secret is not None
    assert other.secret is not None
    return Roll(
        old_secret=endpoint.secret,
        new_secret=rolled["secret"],
        stranger=other.secret,
        body=received.body,
        headers=received.headers,
        event_type="customer.created",
    )
