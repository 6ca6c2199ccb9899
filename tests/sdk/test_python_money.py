"""stripe-python: charges, refunds, the balance and what it is made of, the account."""

from typing import Any

import pytest
import stripe

from tests.sdk.server import Merchant

verifies = pytest.mark.verifies


@pytest.fixture
def paid(sdk: Any) -> Any:
    """2000 cents by card, already taken."""
    return pay(sdk)


def pay(sdk: Any, **more: Any) -> Any:
    fields: Any = {
        "amount": 2000,
        "currency": "usd",
        "payment_method_types": ["card"],
        "confirm": True,
        "payment_method": "pm_card_visa",
        **more,
    }
    return sdk.v1.payment_intents.create(fields)


def charge_of(intent: Any) -> str:
    assert isinstance(intent.latest_charge, str)
    return intent.latest_charge


@verifies("charges.retrieve", "charges.list")
def test_a_charge_is_retrieved_and_listed(sdk: Any) -> None:
    customer = sdk.v1.customers.create({})
    intent, other = pay(sdk, customer=customer.id), pay(sdk)
    charge = sdk.v1.charges.retrieve(charge_of(intent))
    assert (charge.amount, charge.amount_captured, charge.amount_refunded) == (2000, 2000, 0)
    assert (charge.customer, charge.payment_intent) == (customer.id, intent.id)
    assert charge.payment_method_details is not None
    assert charge.payment_method_details.type == "card"
    assert charge.payment_method_details.card is not None
    assert charge.payment_method_details.card.brand == "visa"
    listed = sdk.v1.charges.list()
    assert [one.id for one in listed.data] == [charge_of(other), charge_of(intent)]
    assert [one.id for one in sdk.v1.charges.list({"customer": customer.id}).data] == [charge.id]
    assert [one.id for one in sdk.v1.charges.list({"payment_intent": intent.id}).data] == [charge.id]


@verifies("charges.update", "metadata")
def test_a_charge_takes_metadata_and_a_description(sdk: Any, paid: Any) -> None:
    changed = sdk.v1.charges.update(charge_of(paid), {"metadata": {"order": "7"}, "description": "Order 7"})
    assert changed.description == "Order 7"
    assert changed.metadata.to_dict() == {"order": "7"}
    assert sdk.v1.charges.retrieve(changed.id).to_dict() == changed.to_dict()


@verifies("charges.list", "CardError")
def test_a_refused_payment_leaves_a_failed_charge(sdk: Any) -> None:
    with pytest.raises(stripe.CardError):
        pay(sdk, payment_method="pm_card_chargeDeclinedInsufficientFunds")
    [charge] = sdk.v1.charges.list().data
    assert (charge.status, charge.paid, charge.failure_code) == ("failed", False, "card_declined")
    assert charge.outcome is not None
    assert charge.outcome.reason == "insufficient_funds"
    assert charge.balance_transaction is None


@verifies("refunds.create", "refunds.retrieve", "refunds.list")
def test_a_payment_is_refunded_in_parts_and_never_more_than_it_was(sdk: Any, paid: Any) -> None:
    part = sdk.v1.refunds.create(
        {"payment_intent": paid.id, "amount": 500, "reason": "requested_by_customer"}
    )
    assert (part.amount, part.currency, part.status) == (500, "usd", "succeeded")
    assert (part.charge, part.payment_intent) == (paid.latest_charge, paid.id)
    charge = sdk.v1.charges.retrieve(charge_of(paid))
    assert (charge.amount_refunded, charge.refunded) == (500, False)
    rest = sdk.v1.refunds.create({"charge": charge_of(paid)})
    assert rest.amount == 1500
    charge = sdk.v1.charges.retrieve(charge_of(paid))
    assert (charge.amount_refunded, charge.refunded) == (2000, True)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.refunds.create({"charge": charge_of(paid)})
    assert caught.value.code == "charge_already_refunded"
    assert sdk.v1.refunds.retrieve(part.id).to_dict() == part.to_dict()
    assert [one.id for one in sdk.v1.refunds.list().data] == [rest.id, part.id]
    assert len(sdk.v1.refunds.list({"payment_intent": paid.id, "limit": 1}).data) == 1


@verifies("refunds.create", "InvalidRequestError")
def test_a_refund_over_the_charge_is_refused(sdk: Any, paid: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.refunds.create({"payment_intent": paid.id, "amount": 2001})
    assert caught.value.param == "amount"
    assert sdk.v1.refunds.list().data == []


@verifies("refunds.update", "metadata")
def test_a_refund_takes_metadata(sdk: Any, paid: Any) -> None:
    refund = sdk.v1.refunds.create({"payment_intent": paid.id})
    changed = sdk.v1.refunds.update(refund.id, {"metadata": {"ticket": "12"}})
    assert changed.metadata is not None
    assert changed.metadata.to_dict() == {"ticket": "12"}


@verifies("refunds.cancel")
def test_a_refund_that_is_done_cannot_be_canceled(sdk: Any, paid: Any) -> None:
    refund = sdk.v1.refunds.create({"payment_intent": paid.id})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.refunds.cancel(refund.id)
    assert caught.value.http_status == 400
    assert sdk.v1.refunds.retrieve(refund.id).status == "succeeded"


@verifies("balance.retrieve", "balance_transactions.retrieve", "balance_transactions.list")
def test_the_balance_is_the_sum_of_its_transactions(sdk: Any, paid: Any) -> None:
    sdk.v1.refunds.create({"payment_intent": paid.id, "amount": 500})
    transactions = list(sdk.v1.balance_transactions.list().auto_paging_iter())
    assert [one.type for one in transactions] == ["refund", "charge"]
    refund, charge = transactions
    assert (refund.amount, charge.amount, charge.source) == (-500, 2000, paid.latest_charge)
    assert all(one.net == one.amount - one.fee for one in transactions)
    assert charge.fee > 0
    assert sdk.v1.balance_transactions.retrieve(charge.id).to_dict() == charge.to_dict()
    assert [one.id for one in sdk.v1.balance_transactions.list({"type": "charge"}).data] == [charge.id]
    balance = sdk.v1.balance.retrieve()
    funds = [*balance.available, *balance.pending]
    assert sum(one.amount for one in funds if one.currency == "usd") == sum(one.net for one in transactions)


@verifies("accounts.retrieve_current", "accounts.retrieve")
def test_an_account_reads_itself(sdk: Any, merchant: Merchant) -> None:
    own = sdk.v1.accounts.retrieve_current()
    assert (own.id, own.object) == (merchant.account.public_id, "account")
    assert sdk.v1.accounts.retrieve(own.id).id == own.id
