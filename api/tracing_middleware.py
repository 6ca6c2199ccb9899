"""A span for each request, where TRACING asks for traces; elsewhere it is not there at all."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse

from api.context import known_context_of
from api.middleware import PROBES
from api.routes import method_of, route_of
from outbox.tracing import start_tracing, telemetry

if TYPE_CHECKING:
    from opentelemetry.trace import Span


class TracingMiddleware:
    """Around RequestMiddleware: the events of a request are recorded below its span.

    Who calls is a merchant: the `traceparent` of a request becomes a link, and says neither which trace the request
    is of nor whether that is kept. Never a path, a query, a header or a body: a span has the template of the route.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        start_tracing("ministripe-api")
        tracing = telemetry()
        if tracing is None:
            raise MiddlewareNotUsed
        self._get_response = get_response
        self._tracing = tracing

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(PROBES):
            return self._get_response(request)
        method = method_of(request)
        with self._tracing.span(
            method,
            kind="server",
            link=request.META.get("HTTP_TRACEPARENT"),
            attributes={"http.request.method": method},
        ) as span:
            response = self._get_response(request)
            self._describe(span, request, response)
        return response

    def _describe(self, span: "Span", request: HttpRequest, response: HttpResponse) -> None:
        from outbox.telemetry import fail

        route = route_of(request)
        span.update_name(f"{method_of(request)} {route}")
        span.set_attributes({"http.route": route, "http.response.status_code": response.status_code})
        context = known_context_of(request)
        if context is not None:
            span.set_attribute("api.request", context.public_id)
            if context.identity is not None:
                span.set_attribute("api.account", context.identity.owner)
            if context.error_code is not None:
                span.set_attribute("api.error_code", context.error_code)
        if response.status_code >= 500:
            fail(span, str(response.status_code))
