"""Every request, written down after its answer is ready."""

import structlog
from django.db import Error
from django.http import HttpRequest

from api.config import logs_requests
from api.context import RequestContext
from api.idempotency import MAX_KEY_LENGTH
from api.redaction import redacted_text, storable
from api.routes import method_of, route_of
from core.redaction import without_secrets
from outbox.database import execute
from outbox.sql import prepared
from outbox.tracing import current_trace, trace_id_of

_log = structlog.get_logger("api")
_MAX_PATH = 500
_MAX_VERSION = 100


def log_request(request: HttpRequest, context: RequestContext, *, status: int, milliseconds: float) -> None:
    """One statement in a transaction of its own, not flushed; forbids an open one.

    A log that cannot be written is no reason to fail a request that was served: it is told in the
    process's own log instead.
    """
    if logs_requests():
        _tell(request, context, status=status, milliseconds=milliseconds)
    identity = context.identity
    key = context.idempotency_key
    asked = None if context.asked_version == context.version else context.asked_version
    try:
        execute(
            prepared("api.sql", "log_request"),
            {
                "id": context.id,
                "method": request.method,
                "path": without_secrets(storable(request.path)[:_MAX_PATH]),
                "status": status,
                "milliseconds": milliseconds,
                "api_version": context.version,
                "asked_version": None if asked is None else without_secrets(storable(asked)[:_MAX_VERSION]),
                "account_id": None if identity is None else identity.account_id,
                "key_id": None if identity is None else identity.key_id,
                "idempotency_key": None if key is None else storable(key)[:MAX_KEY_LENGTH],
                "error_code": context.error_code,
                "parameters": redacted_text(context.parameters),
            },
        )
    except Error as error:
        _log.warning(
            "api.request_not_logged", request_id=context.public_id, status=status, error=str(error).strip()
        )


def _tell(request: HttpRequest, context: RequestContext, *, status: int, milliseconds: float) -> None:
    """The route's template and no path: the row that the request's id leads to has that, with its secrets taken out."""
    identity = context.identity
    _log.info(
        "api.request",
        request_id=context.public_id,
        method=method_of(request),
        route=route_of(request),
        status=status,
        ms=milliseconds,
        account=None if identity is None else identity.owner,
        code=context.error_code,
        trace_id=trace_id_of(current_trace()),
    )
