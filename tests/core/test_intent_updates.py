"""Which field of a payment intent may change is decided by its status."""

import pytest

from core.customers import create_customer
from core.errors import (
    AmountTooSmall,
    CustomerNotFound,
    FieldFixed,
    PaymentIntentNotFound,
    PaymentMethodNotFound,
    UnknownParameter,
)
from core.intent_updates import CHANGEABLE, update_payment_intent
from core.models import PaymentIntent, PaymentMethod
from core.objects import payment_intent_object
from core.states import Status
from tests.core.merchants import RememberedOperation, event_types, new_intent, write_of

pytestmark = pytest.mark.django_db

CHANGES = {
    "amount": 3000,
    "currency": "EUR",
    "customer": None,
    "description": "new",
    "metadata": {"a": "b"},
    "payment_method": "pm_card_visa",
    "payment_method_types": ["card"],
    "receipt_email": "a@example.com",
    "shipping": {"name": "A", "address": {}},
    "statement_descriptor": "SHOP",
    "statement_descriptor_suffix": "ONE",
}


def _update(account, intent, operation=None, **changes):
    return update_payment_intent(write=write_of(account, operation), intent_id=intent.id, changes=changes)


def test_every_field_changes_before_the_confirmation_and_no_event_tells_of_it(account):
    assert CHANGES.keys() == CHANGEABLE.keys()
    intent = new_intent(account)
    customer = create_customer(write=write_of(account), fields={})["id"]
    operation = RememberedOperation()
    result = _update(account, intent, operation, **{**CHANGES, "customer": customer})
    method = PaymentMethod.objects.get()
    assert method.behaviour == CHANGES["payment_method"]
    shown = {
        **CHANGES,
        "customer": customer,
        "currency": "eur",
        "payment_method": method.public_id,
        "status": "requires_confirmation",
    }
    assert {name: result[name] for name in shown} == shown
    assert result == payment_intent_object(PaymentIntent.objects.get(id=intent.id))
    assert operation.calls == [("begin", None), ("finish", result)]
    assert event_types(account) == ["payment_intent.created", "customer.created"]


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("field", list(CHANGEABLE))
def test_a_field_changes_in_the_statuses_that_allow_it(account, field, status):
    intent = new_intent(account)
    PaymentIntent.objects.filter(id=intent.id).update(status=status)
    before = PaymentIntent.objects.values().get(id=intent.id)
    if status in CHANGEABLE[field]:
        assert _update(account, intent, **{field: CHANGES[field]})["id"] == intent.public_id
        return
    with pytest.raises(FieldFixed) as refused:
        _update(account, intent, **{field: CHANGES[field]})
    assert refused.value.message.startswith(
        f"This PaymentIntent's {field} could not be updated because it has a status of {status}. You may only "
        f"update the {field} of a PaymentIntent with one of the following statuses: requires_payment_method,"
    )
    assert (refused.value.code, refused.value.param) == ("payment_intent_unexpected_state", field)
    assert refused.value.payment_intent == payment_intent_object(PaymentIntent.objects.get(id=intent.id))
    assert PaymentIntent.objects.values().get(id=intent.id) == before


def test_a_payment_method_that_is_taken_back_has_to_be_named_again(account):
    intent = new_intent(account, payment_method="pm_card_visa")
    assert _update(account, intent, payment_method=None)["status"] == "requires_payment_method"


def test_the_amount_is_judged_with_the_currency_it_will_have(account):
    intent = new_intent(account, amount=60)
    with pytest.raises(AmountTooSmall):
        _update(account, intent, currency="sek")
    with pytest.raises(AmountTooSmall):
        _update(account, intent, amount=49)
    assert _update(account, intent, currency="sek", amount=300)["amount"] == 300


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"customer": "cus_0000000000000000000000"}, CustomerNotFound),
        ({"customer": "nobody"}, CustomerNotFound),
        ({"payment_method": "pm_card_gold"}, PaymentMethodNotFound),
        ({"status": "succeeded"}, UnknownParameter),
    ],
)
def test_what_is_not_there_cannot_be_named(account, changes, error):
    intent = new_intent(account)
    with pytest.raises(error):
        _update(account, intent, **changes)


def test_another_accounts_customer_and_intent_are_not_found(account, other_account):
    intent = new_intent(account)
    foreign = create_customer(write=write_of(other_account), fields={})["id"]
    with pytest.raises(CustomerNotFound):
        _update(account, intent, customer=foreign)
    with pytest.raises(PaymentIntentNotFound):
        _update(other_account, intent, description="mine")
