import pytest

from core.errors import PaymentMethodNotFound
from core.payment_methods import DEFAULT_ID, PAYMENT_METHODS, resolve_payment_method


@pytest.mark.parametrize(
    "text",
    ["pm_card_chargeDeclinedLostCard", "pm_card_visa_chargeDeclinedLostCard", "tok_chargeDeclinedLostCard"],
)
def test_a_card_has_one_meaning_under_each_of_its_names(text):
    method = resolve_payment_method(text)
    assert method.id == "pm_card_chargeDeclinedLostCard"
    assert method.decline is not None
    assert (method.decline.code, method.decline.decline_code) == ("card_declined", "lost_card")


@pytest.mark.parametrize("text", sorted(PAYMENT_METHODS))
def test_the_canonical_name_is_kept(text):
    assert resolve_payment_method(text).id == text


@pytest.mark.parametrize(
    "text", ["", "pm_", "pm_card_", "pm_card_visa_", "tok_", "pm_usBankAccount_x", "visa"]
)
def test_an_unknown_method_is_not_found(text):
    with pytest.raises(PaymentMethodNotFound) as refused:
        resolve_payment_method(text)
    assert refused.value.message == f"No such PaymentMethod: '{text}'"
    assert (refused.value.code, refused.value.param) == ("resource_missing", "payment_method")


def test_only_the_default_is_left_to_chance():
    assert [method.id for method in PAYMENT_METHODS.values() if method.drawn] == [DEFAULT_ID]
