"""One shape for every refusal: `{"error": {type, code, message, param, request_id, …}}`."""

from dataclasses import dataclass, field
from typing import Any

import structlog
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.db import Error
from django.http import Http404, UnreadablePostError
from rest_framework import exceptions as drf

from api.answers import Answer, encode
from api.config import max_body_bytes
from api.context import RequestContext
from api.errors import ApiError, BodyTooLarge
from api.permissions import permitted_part
from core.errors import ApiKeyRefused, CardDeclined, CoreError, NotFound, PermissionDenied
from core.redaction import without_secrets
from core.versions import render
from dispatcher.errors import (
    ConfigurationError,
    DeliveryEnded,
    DeliveryNotFound,
    DispatcherError,
    EndpointNotFound,
    EventExpired,
    InvalidEndpoint,
    SecretUndecryptable,
    TooManyEndpoints,
)
from dispatcher.urls import UrlRefused
from outbox.database import database_failed

_log = structlog.get_logger("api")

# Codes that are Stripe's own, so that Stripe's page explains them.
DOCUMENTED_CODES = frozenset(
    {
        "amount_too_large",
        "amount_too_small",
        "api_key_expired",
        "card_declined",
        "email_invalid",
        "expired_card",
        "idempotency_key_in_use",
        "incorrect_cvc",
        "parameter_invalid_empty",
        "parameter_invalid_integer",
        "parameter_missing",
        "parameter_unknown",
        "payment_intent_unexpected_state",
        "processing_error",
        "rate_limit",
        "resource_missing",
        "secret_key_required",
        "url_invalid",
    }
)

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="Mini Stripe"'}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An error as the envelope shows it: an answer may be logged by whoever gets it, so it repeats no secret."""

    status: int
    message: str
    type: str = "invalid_request_error"
    code: str | None = None
    param: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    members: dict[str, Any] = field(default_factory=dict)

    def answer(self, context: RequestContext) -> Answer:
        error: dict[str, Any] = {
            "type": self.type,
            "code": self.code,
            "message": without_secrets(self.message),
            "param": None if self.param is None else without_secrets(self.param),
            "request_id": context.public_id,
            **self.members,
        }
        if self.code in DOCUMENTED_CODES:
            error["doc_url"] = f"https://docs.stripe.com/error-codes#{self.code.replace('_', '-')}"
        if context.identity is not None and context.origin is not None:
            error["request_log_url"] = f"{context.origin}/requests/{context.public_id}/"
        intent = error.get("payment_intent")
        if intent is not None:
            error["payment_intent"] = render(permitted_part(intent, context.identity), context.version)
        return Answer(self.status, encode({"error": error}), self.headers)


def refuse(error: Exception, context: RequestContext) -> Answer:
    """The answer to a request that failed with `error`; what nobody foresaw is logged and answered 500."""
    refusal = _refusal(error)
    context.error_code = refusal.code or refusal.type
    if refusal.status == 500:
        _log.error("api.failed", request_id=context.public_id, exc_info=error)
    return refusal.answer(context)


def refusal_answer(error: Exception, context: RequestContext) -> Answer:
    """The same answer, to be kept: whoever sends it tells of it."""
    return _refusal(error).answer(context)


def _refusal(error: Exception) -> Refusal:
    match error:
        case ApiError():
            return Refusal(
                status=error.status,
                message=error.message,
                type=error.type,
                code=error.code,
                param=error.param,
                headers=error.headers,
                members=error.members,
            )
        case CoreError():
            return _of_core(error)
        case DispatcherError():
            return _of_dispatcher(error)
        case drf.APIException():
            return _of_framework(error)
        case RequestDataTooBig():
            return _refusal(BodyTooLarge(max_body_bytes()))
        case Http404():
            return Refusal(status=404, message="Unrecognized request URL.", code="url_unknown")
        case SuspiciousOperation() | BadRequest() | UnreadablePostError():
            return Refusal(status=400, message="The request could not be read.", code="request_malformed")
        case Error() if database_failed(error):
            _log.warning("api.database_unavailable", error=str(error).strip())
            return Refusal(
                status=503,
                message="The database did not answer. Send the request again, with the same Idempotency-Key.",
                type="api_error",
                code="service_unavailable",
                headers={"Retry-After": "1", "Stripe-Should-Retry": "true"},
            )
        case _:
            return _internal()


def _of_core(error: CoreError) -> Refusal:
    members = dict(error.members)
    if error.decline_code is not None:
        members["decline_code"] = error.decline_code
    if error.payment_intent is not None:
        members["payment_intent"] = error.payment_intent
    status, headers = 400, {}
    match error:
        case ApiKeyRefused():
            status, headers = 401, CHALLENGE
        case PermissionDenied():
            status = 403
        case NotFound():
            status = 404
        case CardDeclined():
            status = 402
    return Refusal(
        status=status,
        message=error.message,
        type=error.type,
        code=error.code,
        param=error.param,
        headers=headers,
        members=members,
    )


def _of_dispatcher(error: DispatcherError) -> Refusal:
    match error:
        case EndpointNotFound() | DeliveryNotFound():
            return Refusal(status=404, message=str(error), code="resource_missing", param="id")
        case UrlRefused():
            return Refusal(
                status=400,
                message=f"Invalid URL: {error.reason}.",
                code="url_invalid",
                param="url",
                members={"failure_code": str(error.code)},
            )
        case InvalidEndpoint():
            return Refusal(
                status=400,
                message=f"Invalid {error.field}: {error.reason}",
                code="parameter_invalid",
                param=error.field,
            )
        case DeliveryEnded():
            return Refusal(status=400, message=str(error), code="delivery_unexpected_state")
        case EventExpired():
            return Refusal(status=400, message=str(error), code="event_expired")
        case TooManyEndpoints():
            return Refusal(status=400, message=str(error), code="webhook_endpoints_exceeded")
        case SecretUndecryptable() | ConfigurationError() | _:
            return _internal()


def _of_framework(error: drf.APIException) -> Refusal:
    match error:
        case drf.NotAuthenticated():
            return Refusal(
                status=401,
                message="You did not provide an API key. Send it as `Authorization: Bearer YOUR_KEY`, or as the "
                "user name of basic authentication.",
                code="api_key_missing",
                headers=CHALLENGE,
            )
        case drf.MethodNotAllowed():
            return Refusal(status=405, message=str(error.detail), code="method_not_allowed")
        case drf.UnsupportedMediaType():
            return Refusal(
                status=415,
                message="Send application/json or application/x-www-form-urlencoded.",
                code="media_type_unsupported",
            )
        case _:
            return Refusal(status=error.status_code, message=str(error.detail), code="request_malformed")


def _internal() -> Refusal:
    return Refusal(
        status=500,
        message="An error occurred on our side. It has been recorded under the request id.",
        type="api_error",
        code="internal_error",
    )
