"""stripe-python: each error class of the package, raised by an answer of ours."""

from typing import Any

import pytest
import stripe

from tests.hostile.receivers import closed_port
from tests.sdk.contract import ERRORS
from tests.sdk.probes import RATE_LIMIT, RESTRICTED_KEYS, restricted_key
from tests.sdk.server import Merchant, Server, new_merchant, running_server

verifies = pytest.mark.verifies
INTENT: Any = {"amount": 2000, "currency": "usd"}

# Classes that no answer of /v1 raises, by the package's own code.
ELSEWHERE = {
    # Bases.
    "StripeError", "StripeErrorWithParamCode",
    # Of /v2, chosen by its error types.
    "AlreadyCanceledError", "BlockedByStripeError", "CannotProceedError", "CapabilityNotEnabledError",
    "ControlledByAlternateResourceError", "FeatureNotEnabledError", "FinancialAccountNotOpenError",
    "FxQuoteNeedsRefreshError", "InsufficientFundsError", "InvalidPaymentMethodError",
    "InvalidPayoutMethodError", "InvalidVaultedCredentialError", "NotCancelableError", "QuotaExceededError",
    "RecipientNotNotifiableError", "TemporarySessionExpiredError", "VerificationAttemptFailedError",
    "VerificationExpiredError", "VerificationNotInitiatedError",
}  # fmt: skip


def test_every_class_of_the_package_is_raised_by_a_test_or_is_of_another_api() -> None:
    classes = {
        name
        for name, value in vars(stripe.error if hasattr(stripe, "error") else stripe._error).items()
        if isinstance(value, type) and issubclass(value, stripe.StripeError)
    }
    assert classes - ELSEWHERE == ERRORS.keys()


@verifies("InvalidRequestError", "customers.retrieve")
def test_an_unknown_id_is_an_invalid_request(sdk: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.customers.retrieve("cus_nobody")
    error = caught.value
    assert (error.http_status, error.code) == (404, "resource_missing")
    assert error.user_message == "No such customer: 'cus_nobody'"
    assert error.request_id is not None
    assert error.request_id.startswith("req_")


@verifies("InvalidRequestError", "customers.create")
def test_an_unknown_parameter_is_an_invalid_request(sdk: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.customers.create({"colour": "red"})  # type: ignore[arg-type]
    assert (caught.value.http_status, caught.value.code) == (400, "parameter_unknown")
    assert caught.value.param == "colour"


@verifies("AuthenticationError")
def test_an_unknown_key_is_an_authentication_error(merchant: Merchant) -> None:
    with pytest.raises(stripe.AuthenticationError) as caught:
        merchant.client(key="sk_test_" + "0" * 65).v1.customers.list()
    assert caught.value.http_status == 401


@verifies("CardError", "payment_intents.confirm")
@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("chargeDeclined", "card_declined", "generic_decline"),
        ("chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("chargeDeclinedStolenCard", "card_declined", "stolen_card"),
        ("chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded"),
        ("chargeDeclinedExpiredCard", "expired_card", None),
        ("chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
        ("chargeDeclinedProcessingError", "processing_error", None),
    ],
)
def test_a_declined_card_is_a_card_error(
    sdk: stripe.StripeClient, card: str, code: str, decline_code: str | None
) -> None:
    intent = sdk.v1.payment_intents.create(INTENT)
    with pytest.raises(stripe.CardError) as caught:
        sdk.v1.payment_intents.confirm(intent.id, {"payment_method": f"pm_card_visa_{card}"})
    error = caught.value
    assert (error.http_status, error.code) == (402, code)
    assert error.error is not None
    assert error.error.payment_intent is not None
    assert error.error.payment_intent.status == "requires_payment_method"
    if decline_code is not None:
        assert error.error.decline_code == decline_code


@verifies("IdempotencyError")
def test_a_key_with_other_parameters_is_an_idempotency_error(sdk: stripe.StripeClient) -> None:
    sdk.v1.customers.create({"name": "A"}, {"idempotency_key": "k"})
    with pytest.raises(stripe.IdempotencyError) as caught:
        sdk.v1.customers.create({"name": "B"}, {"idempotency_key": "k"})
    assert caught.value.http_status == 400


@verifies("APIError")
def test_a_body_over_the_limit_is_an_api_error(sdk: stripe.StripeClient) -> None:
    """As is every status that the package has no class for."""
    with pytest.raises(stripe.APIError) as caught:
        sdk.v1.customers.create({"description": "x" * 70_000})
    assert caught.value.http_status == 413


@verifies("APIConnectionError")
def test_nobody_at_the_address_is_a_connection_error(merchant: Merchant) -> None:
    with pytest.raises(stripe.APIConnectionError):
        merchant.client(url=f"http://127.0.0.1:{closed_port()}").v1.customers.list()


@verifies("SignatureVerificationError")
def test_a_webhook_that_we_did_not_sign_is_a_signature_error() -> None:
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event("{}", "t=1,v1=00", "whsec_x")


@verifies("PermissionError")
@pytest.mark.skipif(not RESTRICTED_KEYS, reason="create_api_key makes no restricted keys yet")
def test_a_key_without_the_scope_is_a_permission_error(merchant: Merchant) -> None:
    restricted = merchant.client(key=restricted_key(merchant.account))
    assert restricted.v1.customers.list().data == []
    with pytest.raises(stripe.PermissionError) as caught:
        restricted.v1.payment_intents.create(INTENT)
    assert caught.value.http_status == 403


@verifies("RateLimitError")
@pytest.mark.skipif(not RATE_LIMIT, reason="the API has no limit of requests yet")
def test_too_many_requests_are_a_rate_limit_error(server: Server, transactional_db: None) -> None:
    with running_server(**RATE_LIMIT) as limited:
        sdk = new_merchant(limited).client()
        with pytest.raises(stripe.RateLimitError) as caught:
            ask_often(sdk)
    assert caught.value.http_status == 429


def ask_often(sdk: stripe.StripeClient) -> None:
    for _ in range(100):
        sdk.v1.customers.list()
