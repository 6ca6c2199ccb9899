"""What is known of one request, from its first byte to its line in the request log."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request

from core.api_keys import ApiKeyIdentity
from core.versions import PLAIN, STRIPE, STRIPE_VERSIONS

# Beside the headers (`HTTP_…`) no client can write this name.
_SLOT = "ministripe.context"


@dataclass(slots=True, kw_only=True)
class RequestContext:
    """Filled in as the request passes authentication, parsing and the view."""

    id: uuid.UUID
    public_id: str  # `req_…`
    version: str  # of the API, in which the answer is given
    asked_version: str | None = None  # as sent, whatever it is
    idempotency_key: str | None  # as sent; checked where it is used
    origin: str | None = None  # `https://host`, where the request named a host of ours
    identity: ApiKeyIdentity | None = None
    parameters: Any = None  # as parsed, not yet validated
    error_code: str | None = None

    def recognise(self, identity: ApiKeyIdentity) -> None:
        """The caller is known. Who asked for no version that we know gets the one of the account."""
        self.identity = identity
        if self.version != PLAIN and self.asked_version not in STRIPE_VERSIONS:
            self.version = identity.api_version


def version_of(path: str, asked: str | None) -> str:
    """`/v1/…` speaks Stripe's dialect, in the version that was asked for; every other path the plain one."""
    if not path.startswith("/v1/"):
        return PLAIN
    return asked if asked in STRIPE_VERSIONS else STRIPE


def attach(request: HttpRequest, context: RequestContext) -> None:
    request.META[_SLOT] = context


def context_of(request: HttpRequest | Request) -> RequestContext:
    """The context that RequestMiddleware attached."""
    context: RequestContext = request.META[_SLOT]
    return context


def known_context_of(request: HttpRequest) -> RequestContext | None:
    """The same, for what stands around RequestMiddleware: None where that was not reached."""
    return request.META.get(_SLOT)
