"""stripe-python and standardwebhooks: what is delivered during a roll is constructed with either secret."""

from collections.abc import Callable

import pytest
import stripe
from standardwebhooks import Webhook, WebhookVerificationError

from tests.sdk.rolls import Roll, delivered_during_a_roll
from tests.sdk.server import Server

verifies = pytest.mark.verifies


@pytest.fixture
def roll(server: Server, transactional_db: None) -> Roll:
    return delivered_during_a_roll(server)


@verifies(
    "old secret during a roll", "new secret during a roll", "standardwebhooks", "SignatureVerificationError"
)
def test_a_delivery_during_a_roll_is_genuine_by_both_secrets_and_no_other(roll: Roll) -> None:
    assert roll.old_secret != roll.new_secret
    for secret in (roll.old_secret, roll.new_secret):
        event = stripe.Webhook.construct_event(roll.body, roll.headers["stripe-signature"], secret)
        assert (event.type, event.data.object["name"]) == (roll.event_type, "Zoë 🧾")
        assert Webhook(secret).verify(roll.body, roll.headers)["id"] == event.id
    client = stripe.StripeClient("sk_test_unused")
    assert client.construct_event(roll.body, roll.headers["stripe-signature"], roll.new_secret).id == event.id

    changed = roll.body.replace(b"6735", b"6736")
    for body, secret in ((roll.body, roll.stranger), (changed, roll.old_secret), (changed, roll.new_secret)):
        refused(
            stripe.SignatureVerificationError,
            lambda body=body, secret=secret: stripe.Webhook.construct_event(  # type: ignore[misc]
                body, roll.headers["stripe-signature"], secret
            ),
        )
        refused(
            WebhookVerificationError,
            lambda body=body, secret=secret: Webhook(secret).verify(body, roll.headers),  # type: ignore[misc]
        )


def refused(error: type[Exception], construct: Callable[[], object]) -> None:
    with pytest.raises(error):
        construct()
