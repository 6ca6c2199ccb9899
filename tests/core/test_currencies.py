import pytest

from core.currencies import MAX_AMOUNT, MINIMUMS, check_amount
from core.errors import AmountTooLarge, AmountTooSmall, UnknownCurrency


@pytest.mark.parametrize(("currency", "minimum"), [("usd", 50), ("gbp", 30), ("jpy", 50), ("bhd", 500)])
def test_the_least_amount_is_accepted_and_one_less_is_not(currency, minimum):
    check_amount(amount=minimum, currency=currency)
    with pytest.raises(AmountTooSmall) as refused:
        check_amount(amount=minimum - 1, currency=currency)
    assert (refused.value.code, refused.value.param) == ("amount_too_small", "amount")


@pytest.mark.parametrize("currency", sorted(MINIMUMS))
def test_eight_digits_are_accepted_in_every_currency_and_nine_in_none(currency):
    check_amount(amount=MAX_AMOUNT, currency=currency)
    with pytest.raises(AmountTooLarge) as refused:
        check_amount(amount=MAX_AMOUNT + 1, currency=currency)
    assert (refused.value.code, refused.value.param) == ("amount_too_large", "amount")


def test_amounts_are_shown_in_major_units():
    with pytest.raises(AmountTooSmall, match=r"^Amount must be at least \$0\.50 usd$"):
        check_amount(amount=0, currency="usd")
    with pytest.raises(AmountTooSmall, match=r"^Amount must be at least 50 jpy$"):
        check_amount(amount=-1, currency="jpy")
    with pytest.raises(AmountTooLarge, match=r"^Amount must be no more than \$999,999\.99 usd$"):
        check_amount(amount=10**9, currency="usd")


@pytest.mark.parametrize("currency", ["xyz", "", "USD", "us", "xau"])
def test_an_unknown_currency_names_its_param(currency):
    with pytest.raises(UnknownCurrency) as refused:
        check_amount(amount=2000, currency=currency)
    assert (refused.value.code, refused.value.param) == ("invalid_currency", "currency")
