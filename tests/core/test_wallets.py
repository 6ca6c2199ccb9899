"""Payment methods of merchants, and setup intents that keep them."""

import pytest

from core.confirmation import confirm_payment_intent
from core.customers import create_customer
from core.errors import CardDeclined, InvalidParameter, PaymentMethodNotFound
from core.method_data import behaviour_of_data
from core.models import PaymentMethod
from core.money_errors import (
    IllegalSetupMove,
    PaymentMethodAttached,
    PaymentMethodOfAnotherCustomer,
    PaymentMethodSpent,
    PaymentMethodUnattached,
)
from core.payment_methods import PAYMENT_METHODS
from core.setup_intents import (
    authenticate_setup_intent,
    cancel_setup_intent,
    confirm_setup_intent,
    create_setup_intent,
)
from core.wallets import attach_payment_method, create_payment_method, detach_payment_method
from outbox.identifiers import decode_id, encode_id, new_uuid
from tests.core.merchants import event_types, new_intent, write_of

pytestmark = pytest.mark.django_db(transaction=True)


def _customer(account):
    return decode_id("cus", create_customer(write=write_of(account), fields={})["id"])


def _method(account, name="pm_card_visa"):
    made = create_payment_method(write=write_of(account), behaviour=PAYMENT_METHODS[name], fields={})
    return made["id"]


def _attach(account, name, customer):
    return attach_payment_method(write=write_of(account), name=name, customer_id=customer)


def _confirm(account, intent, method):
    return confirm_payment_intent(write=write_of(account), intent_id=intent.id, payment_method=method)


def test_a_named_test_method_becomes_a_payment_method_of_the_accounts_own(account):
    first, second = (
        new_intent(account, payment_method="tok_visa"),
        new_intent(account, payment_method="tok_visa"),
    )
    assert first.method_id != second.method_id
    assert {row.behaviour for row in PaymentMethod.objects.all()} == {"pm_card_visa"}


def test_a_payment_method_pays_as_what_it_was_made_from(account):
    method = _method(account, "pm_card_chargeDeclinedLostCard")
    with pytest.raises(CardDeclined) as declined:
        _confirm(account, new_intent(account), method)
    assert declined.value.decline_code == "lost_card"


def test_a_saved_method_pays_for_its_customer_alone(account):
    customer, other = _customer(account), _customer(account)
    method = _attach(account, _method(account), customer)["id"]
    mine = new_intent(account, customer=encode_id("cus", customer))
    for intent in (new_intent(account), new_intent(account, customer=encode_id("cus", other))):
        with pytest.raises(PaymentMethodOfAnotherCustomer):
            _confirm(account, intent, method)
    with pytest.raises(PaymentMethodOfAnotherCustomer):
        new_intent(account, payment_method=method)
    assert _confirm(account, mine, method)["payment_method"] == method


def test_another_accounts_method_is_not_there(account, other_account):
    method = _method(other_account)
    with pytest.raises(PaymentMethodNotFound):
        _confirm(account, new_intent(account), method)
    with pytest.raises(PaymentMethodNotFound):
        _attach(account, method, _customer(account))


def test_attached_once_detached_for_ever(account):
    customer = _customer(account)
    method = _method(account)
    method_id = decode_id("pm", method)
    with pytest.raises(PaymentMethodUnattached):
        detach_payment_method(write=write_of(account), method_id=method_id)
    assert _attach(account, method, customer)["customer"] == encode_id("cus", customer)
    assert _attach(account, method, customer)["id"] == method
    with pytest.raises(PaymentMethodAttached):
        _attach(account, method, _customer(account))
    detached = detach_payment_method(write=write_of(account), method_id=method_id)
    assert detached["customer"] is None
    for use in (
        lambda: _attach(account, method, customer),
        lambda: _confirm(account, new_intent(account), method),
    ):
        with pytest.raises(PaymentMethodSpent):
            use()
    told = [name for name in event_types(account) if name.startswith("payment_method.")]
    assert told == ["payment_method.attached", "payment_method.detached"]


def test_a_declining_card_cannot_be_saved_but_the_one_made_for_it(account):
    customer = _customer(account)
    with pytest.raises(CardDeclined):
        _attach(account, "pm_card_chargeDeclined", customer)
    assert PaymentMethod.objects.count() == 0
    saved = _attach(account, "pm_card_chargeCustomerFail", customer)["id"]
    with pytest.raises(CardDeclined):
        _confirm(account, new_intent(account, customer=encode_id("cus", customer)), saved)


@pytest.mark.parametrize(
    ("data", "behaviour"),
    [
        ({"type": "card", "card": {"number": "4242 4242 4242 4242"}}, "pm_card_visa"),
        ({"type": "card", "card": {"token": "tok_chargeDeclined"}}, "pm_card_chargeDeclined"),
        (
            {"type": "us_bank_account", "us_bank_account": {"account_number": "000111111116"}},
            "pm_usBankAccount_noAccount",
        ),
    ],
)
def test_details_mean_a_test_payment_method(data, behaviour):
    assert behaviour_of_data(data, param="").id == behaviour


@pytest.mark.parametrize(
    ("number", "code"), [("4111111111111111", "card_declined"), ("4242", "incorrect_number")]
)
def test_no_other_number_is_taken(number, code):
    with pytest.raises(CardDeclined) as declined:
        behaviour_of_data({"type": "card", "card": {"number": number}}, param="")
    assert declined.value.code == code
    assert number not in declined.value.message


@pytest.mark.parametrize(
    ("data", "param"),
    [
        ({"type": "card"}, "payment_method_data[card]"),
        ({"type": "card", "card": {"exp_month": 1}}, "payment_method_data[card][number]"),
        (
            {"type": "us_bank_account", "us_bank_account": {"account_number": "1"}},
            "payment_method_data[us_bank_account][account_number]",
        ),
    ],
)
def test_missing_details_are_named(data, param):
    with pytest.raises(InvalidParameter) as refused:
        behaviour_of_data(data, param="payment_method_data")
    assert refused.value.param == param


# --- Setup intents ---


def _setup(account, method, *, confirm=True, **fields):
    return create_setup_intent(
        write=write_of(account), fields={"payment_method": method, **fields}, confirm=confirm
    )


def test_a_setup_keeps_the_method_for_the_customer(account):
    customer = encode_id("cus", _customer(account))
    made = _setup(account, "pm_card_visa", customer=customer)
    assert made["status"] == "succeeded"
    row = PaymentMethod.objects.get()
    assert (made["payment_method"], row.customer is not None) == (row.public_id, True)
    assert event_types(account)[1:] == [
        "setup_intent.created",
        "payment_method.attached",
        "setup_intent.succeeded",
    ]


def test_a_refused_setup_waits_for_another_method(account):
    with pytest.raises(CardDeclined) as declined:
        _setup(account, "pm_card_chargeDeclined")
    shown = declined.value.members["setup_intent"]
    assert (shown["status"], shown["payment_method"]) == ("requires_payment_method", None)
    assert shown["last_setup_error"]["code"] == "card_declined"
    intent_id = decode_id("seti", shown["id"])
    again = confirm_setup_intent(write=write_of(account), intent_id=intent_id, payment_method="pm_card_visa")
    assert (again["status"], again["last_setup_error"]) == ("succeeded", None)
    assert event_types(account) == [
        "setup_intent.created",
        "setup_intent.setup_failed",
        "setup_intent.succeeded",
    ]


@pytest.mark.parametrize(("passed", "status"), [(True, "succeeded"), (False, "requires_payment_method")])
def test_a_challenged_setup_waits_for_its_payer(account, passed, status):
    made = _setup(account, "pm_card_authenticationRequired")
    assert made["status"] == "requires_action"
    assert made["next_action"]["redirect_to_url"]["url"].endswith(made["client_secret"])
    intent_id = decode_id("seti", made["id"])
    decided = authenticate_setup_intent(write=write_of(account), intent_id=intent_id, passed=passed)
    assert (decided["status"], decided["next_action"]) == (status, None)


def test_a_setup_without_a_method_cannot_be_confirmed_and_one_at_its_end_not_moved(account):
    made = create_setup_intent(write=write_of(account), fields={})
    intent_id = decode_id("seti", made["id"])
    with pytest.raises(InvalidParameter):
        confirm_setup_intent(write=write_of(account), intent_id=intent_id, payment_method=None)
    canceled = cancel_setup_intent(write=write_of(account), intent_id=intent_id, reason="abandoned")
    assert (canceled["status"], canceled["cancellation_reason"]) == ("canceled", "abandoned")
    with pytest.raises(IllegalSetupMove):
        confirm_setup_intent(write=write_of(account), intent_id=intent_id, payment_method="pm_card_visa")
    with pytest.raises(IllegalSetupMove):
        cancel_setup_intent(write=write_of(account), intent_id=intent_id, reason=None)
    assert encode_id("seti", new_uuid()) != made["id"]
