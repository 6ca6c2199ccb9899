"""What can go wrong with payments, in the words that callers read. Nothing here knows HTTP.

`type` and `code` are the wire's; `param` names the input at fault, where there is one.
"""

from collections.abc import Mapping, Sequence
from typing import Any


class CoreError(Exception):
    """The payments room refuses what was asked."""

    type = "invalid_request_error"
    code: str | None = None

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        decline_code: str | None = None,
        payment_intent: Mapping[str, Any] | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.param = param
        self.decline_code = decline_code
        self.payment_intent = payment_intent  # canonical; the edge renders it in the caller's version
        self.members = dict(members or {})  # further members of the wire's error object, canonical


# --- API keys ---


class ApiKeyRefused(CoreError):
    """The caller is not known."""


class MalformedKey(ApiKeyRefused):
    """The text has not the shape of a key."""

    def __init__(self, token: str) -> None:
        super().__init__(f"Invalid API Key provided: {_masked(token)}")


class UnknownKey(ApiKeyRefused):
    """No such key, or its secret part is wrong: the two are told apart by nobody."""

    def __init__(self, token: str) -> None:
        super().__init__(f"Invalid API Key provided: {_masked(token)}")


class RevokedKey(ApiKeyRefused):
    """The key was revoked."""

    code = "api_key_revoked"

    def __init__(self, token: str) -> None:
        super().__init__(f"Revoked API Key provided: {_masked(token)}")


class ExpiredKey(ApiKeyRefused):
    """The key's time is over."""

    code = "api_key_expired"

    def __init__(self, token: str) -> None:
        super().__init__(f"Expired API Key provided: {_masked(token)}")


class PermissionDenied(CoreError):
    """The key is good, and may not do this."""


class ScopeMissing(PermissionDenied):
    """A restricted key has no scope that covers the request."""

    def __init__(self, *, owner: str, permission: str) -> None:
        super().__init__(
            "The provided key 'rk_test_***' does not have the required permissions for this endpoint on account "
            f"'{owner}'. Having the '{permission}' permission would allow this request to continue."
        )


class SecretKeyRequired(PermissionDenied):
    """A publishable key was used where only a secret one will do."""

    code = "secret_key_required"

    def __init__(self) -> None:
        super().__init__(
            "This API call cannot be made with a publishable API key. Please use a secret API key."
        )


class InvalidScope(CoreError):
    """A restricted key cannot have such a scope."""


class KeyNotRotatable(CoreError):
    """A key cannot hand over to a new one."""


def _masked(token: str) -> str:
    # Of a short text the last four characters would be too much of it.
    return f"****{token[-4:]}" if len(token) >= 16 else "****"


# --- Objects that are not there (or another account's: the same words) ---


class NotFound(CoreError):
    """No such object in this account."""

    code = "resource_missing"


class AccountNotFound(NotFound):
    """No such account."""

    def __init__(self, id: str) -> None:
        super().__init__(f"No such account: '{id[:80]}'", param="account")


class ApiKeyNotFound(NotFound):
    """No such API key."""

    def __init__(self, id: str) -> None:
        super().__init__(f"No such API key: '{id[:80]}'", param="id")


class CustomerNotFound(NotFound):
    """No such customer."""

    def __init__(self, id: str, *, param: str = "id") -> None:
        super().__init__(f"No such customer: '{id[:80]}'", param=param)


class PaymentIntentNotFound(NotFound):
    """No such payment intent."""

    def __init__(self, id: str, *, param: str = "intent") -> None:
        super().__init__(f"No such payment_intent: '{id[:80]}'", param=param)


class PaymentMethodNotFound(NotFound):
    """No such payment method in the account, nor among the test payment methods."""

    def __init__(self, id: str, *, param: str = "payment_method") -> None:
        super().__init__(f"No such PaymentMethod: '{id[:80]}'", param=param)


# --- Input ---


class InvalidParameter(CoreError):
    """One input is not acceptable."""

    code = "parameter_invalid"


class UnknownParameter(InvalidParameter):
    """A field that does not exist."""

    code = "parameter_unknown"

    def __init__(self, name: str) -> None:
        super().__init__(f"Received unknown parameter: {name}", param=name)


class UnknownCurrency(InvalidParameter):
    """Not a currency of ISO 4217 in circulation."""

    code = "invalid_currency"

    def __init__(self, currency: str) -> None:
        super().__init__(
            f"Invalid currency: {currency}. Currencies are three-letter ISO 4217 codes in lower case, e.g. usd.",
            param="currency",
        )


class AmountTooSmall(InvalidParameter):
    """Below the currency's minimum."""

    code = "amount_too_small"

    def __init__(self, minimum: str) -> None:
        super().__init__(f"Amount must be at least {minimum}", param="amount")


class AmountTooLarge(InvalidParameter):
    """More than eight digits."""

    code = "amount_too_large"

    def __init__(self, maximum: str) -> None:
        super().__init__(f"Amount must be no more than {maximum}", param="amount")


class UnknownEventType(InvalidParameter):
    """No event of that name exists in the version."""

    def __init__(self, name: str, *, nearest: str | None) -> None:
        hint = f" Did you mean {nearest}?" if nearest else ""
        super().__init__(f"Unknown event type: {name}.{hint}", param="enabled_events")
        self.nearest = nearest


class UnknownVersion(InvalidParameter):
    """No such API version."""

    def __init__(self, version: str) -> None:
        super().__init__(f"Unknown API version: {version}", param="api_version")


# --- Payments ---


class IllegalMove(CoreError):
    """The payment intent's state does not allow the move; nothing changed."""

    code = "payment_intent_unexpected_state"

    def __init__(self, *, move: str, payment_intent: Mapping[str, Any]) -> None:
        status = payment_intent["status"]
        reason = f"it has a status of {status}"
        if move == "confirm" and status == "succeeded":
            reason = "it has already succeeded after being previously confirmed"
        message = f"You cannot {move} this PaymentIntent because {reason}."
        if move == "capture":
            message = (
                f"This PaymentIntent could not be captured because it has a status of {status}. Only a "
                "PaymentIntent with one of the following statuses may be captured: requires_capture."
            )
        super().__init__(message, payment_intent=payment_intent)


class FieldFixed(CoreError):
    """A field of a payment intent cannot change any more; nothing changed."""

    code = "payment_intent_unexpected_state"

    def __init__(self, *, field: str, statuses: Sequence[str], payment_intent: Mapping[str, Any]) -> None:
        super().__init__(
            f"This PaymentIntent's {field} could not be updated because it has a status of "
            f"{payment_intent['status']}. You may only update the {field} of a PaymentIntent with one of the "
            f"following statuses: {', '.join(statuses)}.",
            param=field,
            payment_intent=payment_intent,
        )


class CardDeclined(CoreError):
    """The bank declined the card. What it was used for says so, and its event is recorded."""

    type = "card_error"
    code = "card_declined"

    def __init__(
        self,
        payment_error: Mapping[str, Any],
        *,
        payment_intent: Mapping[str, Any] | None = None,
        setup_intent: Mapping[str, Any] | None = None,
    ) -> None:
        """`payment_error` is what the intent keeps as its last error."""
        members = {
            name: payment_error[name]
            for name in ("charge", "payment_method")
            if payment_error.get(name) is not None
        }
        if setup_intent is not None:
            members["setup_intent"] = dict(setup_intent)
        super().__init__(
            payment_error["message"],
            code=payment_error["code"],
            decline_code=payment_error["decline_code"],
            payment_intent=payment_intent,
            members=members,
        )
