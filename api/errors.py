"""Requests that the edge itself refuses, before or beside the domain."""

from collections.abc import Mapping
from typing import Any

_LONGEST_NAME = 100  # characters of a parameter's name that a refusal repeats


class ApiError(Exception):
    """The request cannot be served; rendered into the error envelope.

    Attributes:
        status: the HTTP status.
        type: one of Stripe's error types.
        code: a short stable name for programs.
        param: the parameter at fault, in form notation (`metadata[color]`).
        headers: headers that belong to the answer (`Allow`, `WWW-Authenticate`).
        members: further members of the error object.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.type = type
        self.code = code
        self.param = param
        self.headers = dict(headers or {})
        self.members = dict(members or {})


class InvalidParameter(ApiError):
    """A parameter is missing, unknown or no value of its kind. A long name is cut: callers choose theirs."""

    def __init__(self, message: str, *, code: str, param: str | None) -> None:
        super().__init__(message, code=code, param=None if param is None else param[:_LONGEST_NAME])


class ResourceMissing(ApiError):
    """The object does not exist, or belongs to somebody else: the words are the same."""

    def __init__(self, noun: str, text: str, *, param: str) -> None:
        super().__init__(f"No such {noun}: '{text[:80]}'", status=404, code="resource_missing", param=param)


class UnknownUrl(ApiError):
    """No such path."""

    def __init__(self, method: str, path: str) -> None:
        super().__init__(
            f"Unrecognized request URL ({method}: {path[:200]}). Those that there are: /docs/",
            status=404,
            code="url_unknown",
        )


class BodyTooLarge(ApiError):
    """The body is over the limit."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"The request body is larger than the limit of {limit} bytes.",
            status=413,
            code="request_too_large",
        )


class RateLimited(ApiError):
    """The account or the address calls more often than it may. Nothing was done, and no idempotency key was used."""

    def __init__(self, *, wait: int) -> None:
        super().__init__(
            "Request rate limit exceeded. Send fewer requests at once, and this one again a little later.",
            status=429,
            code="rate_limit",
            headers={"Retry-After": str(wait), "Stripe-Rate-Limited-Reason": "global-rate"},
        )


class KeyReused(ApiError):
    """The idempotency key was first used with another request."""

    def __init__(self, key: str, *, first_endpoint: str, endpoint: str) -> None:
        if first_endpoint == endpoint:
            message = (
                "Keys for idempotent requests can only be used with the same parameters they were first used "
                f"with. Try using a key other than '{key}' if you meant to execute a different request."
            )
        else:
            message = (
                "Keys for idempotent requests can only be used for the same endpoint they were first used for "
                f"('{endpoint}' vs '{first_endpoint}'). Try using a key other than '{key}' if you meant to "
                "execute a different request."
            )
        super().__init__(message, type="idempotency_error", code="idempotency_key_reused")


class KeyInUse(ApiError):
    """Another request with this idempotency key has not ended yet."""

    def __init__(self, key: str) -> None:
        super().__init__(
            "There is currently another in-progress request using this idempotency key "
            f"'{key}' (that probably means you submitted twice, and the other request is still going through). "
            "Please try again later.",
            status=409,
            type="idempotency_error",
            code="idempotency_key_in_use",
            headers={"Stripe-Should-Retry": "true"},
        )


class InvalidKey(ApiError):
    """The Idempotency-Key header cannot be a key."""

    def __init__(self) -> None:
        super().__init__(
            "An Idempotency-Key has 1 to 255 printable ASCII characters.",
            type="idempotency_error",
            code="idempotency_key_invalid",
        )
