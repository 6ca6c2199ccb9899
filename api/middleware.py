"""Around every request: its id, the headers of its answer, its line in the request log."""

import time
from collections.abc import Callable

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse

from api.context import RequestContext, attach, context_of, version_of
from api.envelope import refuse
from api.pages.middleware import PAGES
from api.request_log import log_request
from outbox.identifiers import encode_id, new_uuid

# Probes come every second, from machines; assets and the schema say nothing of an account; pages have their audit log.
PROBES = ("/healthz", "/readyz")
_UNLOGGED = (*PROBES, *PAGES, "/static/", "/schema", "/docs")
# For every answer that says nothing else: it is nobody else's to keep, and no page. Django's own middlewares add
# the headers that need no judgement.
_NO_PAGE = "default-src 'none'; frame-ancestors 'none'"


class RequestMiddleware:
    """Outside of everything that could refuse: each answer gets an id and a line in the log."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        request_uuid = new_uuid()
        asked = request.META.get("HTTP_STRIPE_VERSION")
        context = RequestContext(
            id=request_uuid,
            public_id=encode_id("req", request_uuid),
            version=version_of(request.path, asked),
            asked_version=asked,
            idempotency_key=request.META.get("HTTP_IDEMPOTENCY_KEY"),
        )
        attach(request, context)
        response = self._refusal_of_host(request, context) or self._get_response(request)
        if not response.streaming:
            response.setdefault("Content-Length", str(len(response.content)))
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Content-Security-Policy", _NO_PAGE)
        response["Request-Id"] = context.public_id
        response["Stripe-Version"] = context.version
        if context.idempotency_key is not None and context.idempotency_key.isprintable():
            response["Idempotency-Key"] = context.idempotency_key
        if not request.path.startswith(_UNLOGGED):
            elapsed = (time.perf_counter() - started) * 1_000
            log_request(request, context, status=response.status_code, milliseconds=round(elapsed, 3))
        return response

    def _refusal_of_host(self, request: HttpRequest, context: RequestContext) -> HttpResponse | None:
        """Probes come by address; everybody else names a host that ALLOWED_HOSTS has."""
        if request.path.startswith(PROBES):
            return None
        try:
            context.origin = f"{request.scheme}://{request.get_host()}"
        except DisallowedHost as error:
            return refuse(error, context).response()
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse:
        """What a view outside Django REST Framework raises."""
        return refuse(error, context_of(request)).response()
