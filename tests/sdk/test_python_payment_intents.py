"""stripe-python: payment intents through all their states."""

from typing import Any

import pytest
import stripe

from core.settlement import lease_due_settlements, settle_payment
from core.versions import EVENT_TYPES

verifies = pytest.mark.verifies
USD: Any = {"amount": 2000, "currency": "usd"}
CARD: Any = {**USD, "payment_method_types": ["card"]}


def settle_all() -> None:
    for due in lease_due_settlements(limit=10):
        settle_payment(due)


@verifies("payment_intents.create", "payment_intents.confirm", "payment_intents.retrieve")
def test_a_card_payment_succeeds_within_the_call(sdk: Any) -> None:
    customer = sdk.v1.customers.create({})
    intent = sdk.v1.payment_intents.create(
        {
            **USD,
            "customer": customer.id,
            "automatic_payment_methods": {"enabled": True},
            "description": "Order 6735",
        }
    )
    assert (intent.status, intent.amount_received) == ("requires_payment_method", 0)
    assert intent.client_secret is not None
    assert intent.client_secret.startswith(f"{intent.id}_secret_")
    confirmed = sdk.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert (confirmed.status, confirmed.amount_received) == ("succeeded", 2000)
    assert sdk.v1.payment_intents.retrieve(intent.id).to_dict() == confirmed.to_dict()


@verifies("payment_intents.create", "charges.retrieve")
def test_a_payment_is_created_and_confirmed_in_one_call(sdk: Any) -> None:
    intent = sdk.v1.payment_intents.create({**CARD, "confirm": True, "payment_method": "pm_card_mastercard"})
    assert intent.status == "succeeded"
    assert isinstance(intent.latest_charge, str)
    charge = sdk.v1.charges.retrieve(intent.latest_charge)
    assert (charge.status, charge.paid, charge.captured, charge.amount) == ("succeeded", True, True, 2000)
    assert charge.payment_intent == intent.id


@verifies("CardError", "payment_intents.create", "charges.retrieve")
def test_create_and_confirm_that_declines_leaves_the_intent_behind(sdk: Any) -> None:
    with pytest.raises(stripe.CardError) as caught:
        sdk.v1.payment_intents.create(
            {**CARD, "confirm": True, "payment_method": "pm_card_visa_chargeDeclined"}
        )
    assert caught.value.error is not None
    left = caught.value.error.payment_intent
    assert left is not None
    assert left.status == "requires_payment_method"
    assert left.last_payment_error is not None
    assert left.last_payment_error.decline_code == "generic_decline"
    assert caught.value.error.charge == left.latest_charge
    found = sdk.v1.payment_intents.retrieve(left.id)
    assert found.to_dict() == left.to_dict()
    retried = sdk.v1.payment_intents.confirm(left.id, {"payment_method": "pm_card_visa"})
    assert (retried.status, retried.last_payment_error) == ("succeeded", None)


@verifies("payment_intents.update", "metadata")
def test_an_intent_is_updated_before_it_is_paid(sdk: Any) -> None:
    intent = sdk.v1.payment_intents.create({**USD, "metadata": {"order": "1"}})
    changed = sdk.v1.payment_intents.update(
        intent.id, {"amount": 2500, "description": "Order 2", "metadata": {"order": "2"}}
    )
    assert (changed.amount, changed.description, changed.status) == (
        2500,
        "Order 2",
        "requires_payment_method",
    )
    assert changed.metadata is not None
    assert changed.metadata.to_dict() == {"order": "2"}
    paid = sdk.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert paid.amount_received == 2500


@verifies("payment_intents.list")
def test_intents_are_listed_by_customer(sdk: Any) -> None:
    customer = sdk.v1.customers.create({})
    wanted = sdk.v1.payment_intents.create({**USD, "customer": customer.id})
    sdk.v1.payment_intents.create(USD)
    assert [one.id for one in sdk.v1.payment_intents.list({"customer": customer.id}).data] == [wanted.id]
    assert len(sdk.v1.payment_intents.list({"created": {"gte": wanted.created}}).data) == 2


@verifies("payment_intents.search")
def test_intents_are_searched(sdk: Any) -> None:
    sdk.v1.payment_intents.create({**USD, "metadata": {"order": "1"}})
    wanted = sdk.v1.payment_intents.create({**USD, "metadata": {"order": "2"}})
    found = sdk.v1.payment_intents.search({"query": 'metadata["order"]:"2" AND currency:"usd"'})
    assert [intent.id for intent in found.data] == [wanted.id]


@verifies("payment_intents.capture", "payment_intents.create")
def test_manual_capture_takes_a_part_and_releases_the_rest(sdk: Any) -> None:
    held = sdk.v1.payment_intents.create(
        {**CARD, "capture_method": "manual", "confirm": True, "payment_method": "pm_card_visa"}
    )
    assert (held.status, held.amount_capturable, held.amount_received) == ("requires_capture", 2000, 0)
    captured = sdk.v1.payment_intents.capture(held.id, {"amount_to_capture": 1500})
    assert (captured.status, captured.amount_capturable, captured.amount_received) == ("succeeded", 0, 1500)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.payment_intents.capture(held.id)
    assert caught.value.code == "payment_intent_unexpected_state"


@verifies("payment_intents.cancel")
def test_a_canceled_intent_stays_canceled(sdk: Any) -> None:
    intent = sdk.v1.payment_intents.create(USD)
    canceled = sdk.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})
    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")
    assert canceled.canceled_at is not None
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert caught.value.code == "payment_intent_unexpected_state"
    assert caught.value.error is not None
    assert caught.value.error.payment_intent is not None
    assert caught.value.error.payment_intent.status == "canceled"


@verifies("payment_intents.cancel", "payment_intents.capture")
def test_cancel_releases_what_was_held(sdk: Any) -> None:
    held = sdk.v1.payment_intents.create(
        {**CARD, "capture_method": "manual", "confirm": True, "payment_method": "pm_card_visa"}
    )
    canceled = sdk.v1.payment_intents.cancel(held.id)
    assert (canceled.status, canceled.amount_capturable, canceled.amount_received) == ("canceled", 0, 0)


@verifies("bank debits", "payment_intents.confirm")
@pytest.mark.parametrize(
    ("method", "status"),
    [("pm_usBankAccount_success", "succeeded"), ("pm_usBankAccount_noAccount", "requires_payment_method")],
)
def test_a_bank_debit_is_processing_and_final_later(sdk: Any, method: str, status: str) -> None:
    intent = sdk.v1.payment_intents.create(
        {**USD, "payment_method": method, "payment_method_types": ["us_bank_account"]}
    )
    assert sdk.v1.payment_intents.confirm(intent.id).status == "processing"
    settle_all()
    assert sdk.v1.payment_intents.retrieve(intent.id).status == status


@verifies("3-D Secure", "payment_intents.create")
def test_a_card_that_asks_for_authentication_leads_to_a_page_of_ours(sdk: Any) -> None:
    intent = sdk.v1.payment_intents.create(
        {
            **CARD,
            "confirm": True,
            "payment_method": "pm_card_authenticationRequired",
            "return_url": "https://shop.example/return",
        }
    )
    assert intent.status == "requires_action"
    assert intent.next_action is not None
    assert intent.next_action.type == "redirect_to_url"
    assert intent.next_action.redirect_to_url is not None
    assert intent.next_action.redirect_to_url.return_url == "https://shop.example/return"
    assert intent.next_action.redirect_to_url.url is not None
    assert intent.next_action.redirect_to_url.url.startswith("http")
    with pytest.raises(stripe.CardError) as caught:
        sdk.v1.payment_intents.create(
            {**CARD, "confirm": True, "off_session": True, "payment_method": "pm_card_authenticationRequired"}
        )
    assert caught.value.code == "authentication_required"


@verifies("expand", "payment_intents.list", "balance_transactions.retrieve")
def test_an_answer_expands_as_deep_as_it_is_asked(sdk: Any) -> None:
    customer = sdk.v1.customers.create({"name": "Grace"})
    made = sdk.v1.payment_intents.create(
        {**CARD, "customer": customer.id, "confirm": True, "payment_method": "pm_card_visa"}
    )
    found = sdk.v1.payment_intents.retrieve(
        made.id, {"expand": ["customer", "payment_method", "latest_charge.balance_transaction"]}
    )
    assert isinstance(found.customer, stripe.Customer)
    assert found.customer.name == "Grace"
    assert isinstance(found.payment_method, stripe.PaymentMethod)
    assert isinstance(found.latest_charge, stripe.Charge)
    assert isinstance(found.latest_charge.balance_transaction, stripe.BalanceTransaction)
    assert found.latest_charge.balance_transaction.amount == 2000
    listed = sdk.v1.payment_intents.list({"expand": ["data.latest_charge.customer"]})
    assert isinstance(listed.data[0].latest_charge, stripe.Charge)
    assert isinstance(listed.data[0].latest_charge.customer, stripe.Customer)
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.payment_intents.retrieve(made.id, {"expand": ["friends"]})


@verifies("expand", "payment_intents.create", "payment_intents.list")
def test_a_customer_is_expanded_in_one_intent_and_in_a_list(sdk: Any) -> None:
    customer = sdk.v1.customers.create({"name": "Grace"})
    made = sdk.v1.payment_intents.create({**USD, "customer": customer.id, "expand": ["customer"]})
    assert isinstance(made.customer, stripe.Customer)
    listed = sdk.v1.payment_intents.list({"expand": ["data.customer"]})
    assert isinstance(listed.data[0].customer, stripe.Customer)
    assert listed.data[0].customer.name == "Grace"


@verifies("events.list", "payment_intents.confirm", "charges.list")
@pytest.mark.parametrize(
    ("flow", "types"),
    [
        ("card", ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]),
        ("decline", ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]),
        (
            "capture",
            [
                "payment_intent.created",
                "charge.succeeded",
                "payment_intent.amount_capturable_updated",
                "charge.captured",
                "payment_intent.succeeded",
            ],
        ),
        ("authentication", ["payment_intent.created", "payment_intent.requires_action"]),
        (
            "debit",
            [
                "payment_intent.created",
                "payment_intent.processing",
                "charge.pending",
                "charge.succeeded",
                "payment_intent.succeeded",
            ],
        ),
        ("cancel", ["payment_intent.created", "payment_intent.canceled"]),
    ],
)
def test_each_flow_tells_its_events_in_order(sdk: Any, flow: str, types: list[str]) -> None:
    pay(sdk, flow)
    told = [event.type for event in sdk.v1.events.list({"limit": 100}).auto_paging_iter()][::-1]
    assert [one for one in told if one.startswith(("payment_intent.", "charge."))] == types
    assert set(told) <= set(EVENT_TYPES)


def pay(sdk: Any, flow: str) -> None:
    intents = sdk.v1.payment_intents
    match flow:
        case "card":
            intents.confirm(intents.create(CARD).id, {"payment_method": "pm_card_visa"})
        case "decline":
            intent = intents.create(CARD)
            with pytest.raises(stripe.CardError):
                intents.confirm(intent.id, {"payment_method": "pm_card_chargeDeclined"})
        case "capture":
            held = intents.create({**CARD, "capture_method": "manual"})
            intents.confirm(held.id, {"payment_method": "pm_card_visa"})
            intents.capture(held.id)
        case "authentication":
            intent = intents.create(CARD)
            intents.confirm(
                intent.id,
                {"payment_method": "pm_card_authenticationRequired", "return_url": "https://shop.example/"},
            )
        case "debit":
            intent = intents.create({**USD, "payment_method_types": ["us_bank_account"]})
            intents.confirm(intent.id, {"payment_method": "pm_usBankAccount_success"})
            settle_all()
        case "cancel":
            intents.cancel(intents.create(USD).id)
