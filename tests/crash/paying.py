"""A program of the host that makes one payment through the API's own handlers: `API_KEY PAYMENT_METHOD`."""

from collections.abc import Sequence

from django.test import Client


def main(arguments: Sequence[str]) -> int:
    """0 when it is confirmed."""
    api_key, payment_method = arguments
    client = Client(SERVER_NAME="127.0.0.1", headers={"Authorization": f"Bearer {api_key}"})
    created = client.post(
        "/payment_intents/",
        {"amount": 2000, "currency": "usd", "payment_method": payment_method},
        content_type="application/json",
        headers={"Idempotency-Key": "create"},
    )
    assert created.status_code == 201, created.content
    confirmed = client.post(
        f"/payment_intents/{created.json()['id']}/confirm/",
        {},
        content_type="application/json",
        headers={"Idempotency-Key": "confirm"},
    )
    assert confirmed.status_code == 200, confirmed.content
    return 0
