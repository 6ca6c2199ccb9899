"""What a request says of a confirmation, as core reads it."""

from collections.abc import Mapping
from typing import Any

from api.errors import InvalidParameter
from core.confirmation import Terms
from core.method_data import behaviour_of_data

# Only a confirmation can heed them.
_OF_CONFIRMATIONS = ("off_session", "error_on_requires_action")
_COLUMNS = (
    "capture_method",
    "setup_future_usage",
    "return_url",
    "receipt_email",
    "shipping",
    "payment_method_options",
)


def method_of(values: Mapping[str, Any]) -> tuple[str | None, dict[str, Any] | None]:
    """The payment method that is named, or told by its details, and its billing details where it is new.

    Raises:
        InvalidParameter: both are given.
        PaymentMethodNotFound, CardDeclined: no test payment method has these details.
    """
    data = values.get("payment_method_data")
    if data is None:
        return values.get("payment_method"), None
    if values.get("payment_method") is not None:
        raise InvalidParameter(
            "You may only specify one of these parameters: payment_method, payment_method_data.",
            code="parameters_exclusive",
            param="payment_method_data",
        )
    behaviour = behaviour_of_data(data, param="payment_method_data")
    return behaviour.id, data.get("billing_details")


def terms_of(values: Mapping[str, Any]) -> Terms:
    """What a confirmation says beside the payment method."""
    _, billing_details = method_of(values)
    return Terms(
        # Who would rather fail than wait for a payer is told no where one is needed.
        off_session=any(values.get(name, False) for name in _OF_CONFIRMATIONS),
        billing_details=billing_details,
        **{name: values.get(name) for name in _COLUMNS},
    )


def refuse_without_confirm(values: Mapping[str, Any]) -> None:
    """Raises InvalidParameter where a creation says what only a confirmation can heed."""
    for name in _OF_CONFIRMATIONS:
        if name in values:
            raise InvalidParameter(
                f"The parameter {name} can only be passed with confirm=true.",
                code="parameter_invalid",
                param=name,
            )
