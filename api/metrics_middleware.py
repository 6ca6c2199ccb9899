"""Counts every request of a worker, where API_METRICS_PORTS names ports; elsewhere it is not there at all."""

import time
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse

from api.config import metrics_host, metrics_ports
from api.context import known_context_of
from api.routes import method_of, route_of

if TYPE_CHECKING:
    from api.metrics import Metrics


class MetricsMiddleware:
    """The outermost: what others refuse or fail at counts too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not metrics_ports():
            raise MiddlewareNotUsed
        from api.metrics import Answered

        self._get_response = get_response
        self._metrics = _metrics_of_this_process()
        self._answered = Answered

    def __call__(self, request: HttpRequest) -> HttpResponse:
        begun = time.perf_counter()
        self._metrics.began()
        answered = None
        try:
            response = self._get_response(request)
            context = known_context_of(request)
            answered = self._answered(
                route=route_of(request),
                method=method_of(request),
                status=response.status_code,
                error_code=None if context is None else context.error_code,
                replayed="Idempotent-Replayed" in response.headers,
                seconds=time.perf_counter() - begun,
            )
        finally:
            self._metrics.ended(answered)
        return response


@cache
def _metrics_of_this_process() -> "Metrics":
    """Made and served once, by the worker itself: threads do not live on in a child."""
    from api.metrics import Metrics, serve_in_background

    metrics = Metrics()
    serve_in_background(metrics, host=metrics_host(), ports=metrics_ports())
    return metrics
