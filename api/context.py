"""What is known of one request, from its first byte to its line in the request log."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request

from core.api_keys import ApiKeyIdentity
from core.versions import PLAIN, STRIPE

# Beside the headers (`HTTP_…`) no client can write this name.
_SLOT = "ministripe.context"


@dataclass(slots=True, kw_only=True)
class RequestContext:
    """Filled in as the request passes authentication, parsing and the view."""

    id: uuid.UUID
    public_id: str  # `req_…`
    version: str  # of the API, by the path
    idempotency_key: str | None  # as sent; checked where it is used
    identity: ApiKeyIdentity | None = None
    parameters: Any = None  # as parsed, not yet validated
    error_code: str | None = None


def version_of(path: str) -> str:
    """`/v1/…` speaks Stripe's dialect, every other path the plain one."""
    return STRIPE if path.startswith("/v1/") else PLAIN


def attach(request: HttpRequest, context: RequestContext) -> None:
    request.META[_SLOT] = context


def context_of(request: HttpRequest | Request) -> RequestContext:
    """The context that RequestMiddleware attached."""
    context: RequestContext = request.META[_SLOT]
    return context
