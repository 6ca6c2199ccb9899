"""stripe-python: payment methods and setup intents."""

from typing import Any

import pytest
import stripe

verifies = pytest.mark.verifies
CARD: Any = {"type": "card", "card": {"token": "tok_visa"}}


@verifies("payment_methods.create", "payment_methods.retrieve")
def test_a_card_is_made_out_of_a_token(sdk: Any) -> None:
    made = sdk.v1.payment_methods.create({**CARD, "billing_details": {"name": "Grace"}})
    assert made.id.startswith("pm_")
    assert made.card is not None
    assert (made.type, made.card.brand, made.card.last4) == ("card", "visa", "4242")
    assert made.billing_details.name == "Grace"
    assert sdk.v1.payment_methods.retrieve(made.id).to_dict() == made.to_dict()


@verifies(
    "payment_methods.attach",
    "payment_methods.detach",
    "payment_methods.list",
    "customers.payment_methods.list",
    "customers.payment_methods.retrieve",
)
def test_a_card_is_attached_listed_paid_with_and_detached(sdk: Any) -> None:
    customer = sdk.v1.customers.create({})
    attached = sdk.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    assert attached.customer == customer.id
    listed = sdk.v1.payment_methods.list({"customer": customer.id, "type": "card"})
    assert [one.id for one in listed.data] == [attached.id]
    of_customer = sdk.v1.customers.payment_methods
    assert of_customer.retrieve(customer.id, attached.id).id == attached.id
    assert [one.id for one in of_customer.list(customer.id).data] == [attached.id]
    paid = sdk.v1.payment_intents.create(
        {
            "amount": 2000,
            "currency": "usd",
            "payment_method_types": ["card"],
            "customer": customer.id,
            "payment_method": attached.id,
            "confirm": True,
            "off_session": True,
        }
    )
    assert (paid.status, paid.payment_method) == ("succeeded", attached.id)
    assert sdk.v1.payment_methods.detach(attached.id).customer is None
    assert of_customer.list(customer.id).data == []


@verifies("payment_methods.update", "metadata")
def test_a_payment_method_takes_billing_details_and_metadata(sdk: Any) -> None:
    customer = sdk.v1.customers.create({})
    attached = sdk.v1.payment_methods.attach("pm_card_mastercard", {"customer": customer.id})
    changed = sdk.v1.payment_methods.update(
        attached.id, {"billing_details": {"email": "g@example.com"}, "metadata": {"slot": "1"}}
    )
    assert changed.billing_details.email == "g@example.com"
    assert changed.metadata is not None
    assert changed.metadata.to_dict() == {"slot": "1"}


@verifies("payment_methods.attach", "CardError", "payment_intents.create")
def test_a_card_that_fails_later_can_be_attached(sdk: Any) -> None:
    customer = sdk.v1.customers.create({})
    attached = sdk.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    with pytest.raises(stripe.CardError) as caught:
        sdk.v1.payment_intents.create(
            {
                "amount": 2000,
                "currency": "usd",
                "payment_method_types": ["card"],
                "customer": customer.id,
                "payment_method": attached.id,
                "confirm": True,
            }
        )
    assert caught.value.code == "card_declined"


@verifies("setup_intents.create", "setup_intents.retrieve", "setup_intents.confirm", "setup_intents.list")
def test_a_setup_intent_keeps_a_card_for_later(sdk: Any) -> None:
    customer = sdk.v1.customers.create({})
    made = sdk.v1.setup_intents.create({"customer": customer.id, "payment_method_types": ["card"]})
    assert made.status == "requires_payment_method"
    assert made.client_secret is not None
    assert made.client_secret.startswith(f"{made.id}_secret_")
    confirmed = sdk.v1.setup_intents.confirm(made.id, {"payment_method": "pm_card_visa"})
    assert confirmed.status == "succeeded"
    assert sdk.v1.setup_intents.retrieve(made.id).to_dict() == confirmed.to_dict()
    assert [one.id for one in sdk.v1.setup_intents.list().data] == [made.id]


@verifies("setup_intents.create", "setup_intents.confirm", "payment_methods.list")
def test_a_card_that_was_set_up_belongs_to_the_customer(sdk: Any) -> None:
    customer = sdk.v1.customers.create({})
    confirmed = sdk.v1.setup_intents.create(
        {
            "customer": customer.id,
            "payment_method_types": ["card"],
            "payment_method": "pm_card_visa",
            "confirm": True,
        }
    )
    listed = sdk.v1.payment_methods.list({"customer": customer.id, "type": "card"})
    assert [one.id for one in listed.data] == [confirmed.payment_method]


@verifies("setup_intents.cancel")
def test_a_setup_intent_is_canceled(sdk: Any) -> None:
    made = sdk.v1.setup_intents.create({"payment_method_types": ["card"]})
    assert sdk.v1.setup_intents.cancel(made.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.setup_intents.confirm(made.id, {"payment_method": "pm_card_visa"})
    assert caught.value.code == "setup_intent_unexpected_state"
