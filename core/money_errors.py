"""What can go wrong with money that moved, and with what moves it; as in `core.errors`."""

from collections.abc import Mapping
from typing import Any

from core.errors import CoreError, InvalidParameter, NotFound


class ChargeNotFound(NotFound):
    """No such charge."""

    def __init__(self, id: str, *, param: str = "id") -> None:
        super().__init__(f"No such charge: '{id[:80]}'", param=param)


class RefundNotFound(NotFound):
    """No such refund."""

    def __init__(self, id: str, *, param: str = "id") -> None:
        super().__init__(f"No such refund: '{id[:80]}'", param=param)


class BalanceTransactionNotFound(NotFound):
    """No such balance transaction."""

    def __init__(self, id: str, *, param: str = "id") -> None:
        super().__init__(f"No such balance transaction: '{id[:80]}'", param=param)


class SetupIntentNotFound(NotFound):
    """No such setup intent."""

    def __init__(self, id: str, *, param: str = "intent") -> None:
        super().__init__(f"No such setupintent: '{id[:80]}'", param=param)


class IllegalSetupMove(CoreError):
    """The setup intent's state does not allow the move; nothing changed."""

    code = "setup_intent_unexpected_state"

    def __init__(self, *, move: str, setup_intent: Mapping[str, Any]) -> None:
        super().__init__(
            f"You cannot {move} this SetupIntent because it has a status of {setup_intent['status']}.",
            members={"setup_intent": dict(setup_intent)},
        )


class CaptureTooLarge(InvalidParameter):
    """More than the card holds."""

    code = "amount_too_large"

    def __init__(self, *, held: str) -> None:
        super().__init__(
            f"The amount to capture is greater than what can be captured: {held}.", param="amount_to_capture"
        )


class PaymentMethodSpent(InvalidParameter):
    """It was detached from its customer."""

    code = "payment_method_unactivated"

    def __init__(self, id: str) -> None:
        super().__init__(
            f"The payment method {id} was detached from its Customer and may not be used again. To use a "
            "PaymentMethod several times, attach it to a Customer first.",
            param="payment_method",
        )


class PaymentMethodOfAnotherCustomer(InvalidParameter):
    """It belongs to a customer that the payment does not name."""

    code = "payment_method_customer_mismatch"

    def __init__(self, id: str, customer: str) -> None:
        super().__init__(
            f"The payment method supplied ({id}) belongs to the Customer {customer}. Please include the Customer "
            "in the `customer` parameter.",
            param="payment_method",
        )


class PaymentMethodUnattached(InvalidParameter):
    """There is no customer to take it from."""

    code = "payment_method_unexpected_state"

    def __init__(self) -> None:
        super().__init__(
            "The payment method you provided is not attached to a customer so detachment is impossible.",
            param="payment_method",
        )


class PaymentMethodAttached(InvalidParameter):
    """It has a customer already."""

    code = "resource_already_exists"

    def __init__(self) -> None:
        super().__init__(
            "The payment method you provided has already been attached to a customer.", param="payment_method"
        )


class ChargeAlreadyRefunded(CoreError):
    """Nothing is left to be given back."""

    code = "charge_already_refunded"

    def __init__(self, charge: str) -> None:
        super().__init__(f"Charge {charge} has already been refunded.", members={"charge": charge})


class RefundTooLarge(InvalidParameter):
    """More than is left of the charge."""

    code = "refund_amount_too_large"

    def __init__(self, *, asked: str, left: str) -> None:
        super().__init__(
            f"Refund amount ({asked}) is greater than unrefunded amount on charge ({left})", param="amount"
        )


class ChargeNotRefundable(CoreError):
    """No money was taken, so none can be given back."""

    code = "charge_not_refundable"

    def __init__(self, charge: str, status: str) -> None:
        super().__init__(
            f"Charge {charge} cannot be refunded because it is {status}.", members={"charge": charge}
        )


class RefundFinal(CoreError):
    """The refund is past the point at which it could be canceled."""

    code = "refund_unexpected_state"

    def __init__(self, id: str, status: str) -> None:
        super().__init__(
            f"Refund {id} cannot be canceled because it has a status of {status}. Only a refund with a status of "
            "requires_action may be canceled."
        )
