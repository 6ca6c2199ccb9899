"""Payment methods told by their details: a test card's number or token, a test bank account's number.

Real numbers are never taken: nothing here may hold one.
"""

from collections.abc import Mapping
from typing import Any

from core.errors import CardDeclined, InvalidParameter
from core.payment_methods import PAYMENT_METHODS, Behaviour, behaviour_of_number, resolve_payment_method

_ACCOUNTS = {
    "000123456789": "pm_usBankAccount_success",
    "000111111113": "pm_usBankAccount_accountClosed",
    "000111111116": "pm_usBankAccount_noAccount",
    "000222222227": "pm_usBankAccount_insufficientFunds",
    "000333333335": "pm_usBankAccount_debitNotAuthorized",
    "000000000009": "pm_usBankAccount_processing",
}
_INCORRECT = {"code": "incorrect_number", "decline_code": None, "message": "Your card number is incorrect."}
_NO_TEST_CARD = {
    "code": "card_declined",
    "decline_code": "test_mode_live_card",
    "message": "Your card was declined. Your request was in test mode, but used a non test card. For a list of valid "
    "test cards, see the API reference.",
}


def behaviour_of_data(data: Mapping[str, Any], *, param: str) -> Behaviour:
    """The test payment method that some details mean.

    Args:
        data: `type`, and the member of that name.
        param: where the details stand in the request.

    Raises:
        InvalidParameter: the details of its type are missing.
        PaymentMethodNotFound: no test card has the token.
        CardDeclined: no test card has the number.
    """
    kind = data["type"]
    details = data.get(kind)
    if not details:
        raise InvalidParameter(
            f"Missing required param: {_inside(param, kind)}.",
            code="parameter_missing",
            param=_inside(param, kind),
        )
    return _card(details, param=param) if kind == "card" else _bank_account(details, param=param)


def _card(details: Mapping[str, Any], *, param: str) -> Behaviour:
    if details.get("token") is not None:
        return resolve_payment_method(details["token"], param=_inside(param, "card[token]"))
    number = details.get("number")
    if number is None:
        name = _inside(param, "card[number]")
        raise InvalidParameter(f"Missing required param: {name}.", code="parameter_missing", param=name)
    found = behaviour_of_number(number)
    if found is None:
        raise CardDeclined(_NO_TEST_CARD if _passes_luhn(number) else _INCORRECT)
    return found


def _bank_account(details: Mapping[str, Any], *, param: str) -> Behaviour:
    name = _ACCOUNTS.get(details.get("account_number") or "")
    if name is None:
        raise InvalidParameter(
            f"The account number must be one of the test numbers: {', '.join(_ACCOUNTS)}.",
            param=_inside(param, "us_bank_account[account_number]"),
        )
    return PAYMENT_METHODS[name]


def _inside(param: str, name: str) -> str:
    if not param:
        return name
    head, bracket, rest = name.partition("[")
    return f"{param}[{head}]{bracket}{rest}"


def _passes_luhn(number: str) -> bool:
    digits = [int(digit) for digit in number if digit.isascii() and digit.isdigit()]
    if len(digits) < 12:
        return False
    doubled = [sum(divmod(digit * 2, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
