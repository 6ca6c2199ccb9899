"""Metrics of one worker process of the API. Needs prometheus-client, which nothing imports unless they are asked for.

A worker counts in plain numbers, under one lock, for about four microseconds a request; families are only built when
somebody scrapes.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import structlog
from prometheus_client import start_http_server
from prometheus_client.core import Metric

from outbox.exposition import Families, ProcessMetrics
from outbox.measures import EVENTS_RECORDED, STATEMENT_BOUNDS, Description, Histogram

_log = structlog.get_logger("api")
_TRY_AGAIN = 5.0  # seconds

CATALOGUE = (
    Description(
        "api_requests_total", "counter",
        "Requests that this worker answered, by route, method and class of status.", ("route", "method", "status"),
    ),
    Description(
        "api_request_seconds", "histogram",
        "Time from the first look at a request to its answer, its line in the request log included.",
        ("route", "method"),
    ),
    Description("api_requests_in_flight", "gauge", "Requests that this worker is answering."),
    Description(
        "api_idempotent_replays_total", "counter",
        "Answers that were given again under their idempotency key.",
    ),
    Description("api_rate_limited_total", "counter", "Requests that were answered 429 for a limit of ours."),
    Description(
        "api_authentication_failures_total", "counter",
        "Requests that were answered 401, by the code of the error.", ("code",),
    ),
    EVENTS_RECORDED,
)  # fmt: skip
_FAMILIES = Families(CATALOGUE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One answer, as it is counted. Every label has as many values as the code names."""

    route: str
    method: str
    status: int
    error_code: str | None
    replayed: bool
    seconds: float


class Metrics(ProcessMetrics):
    """Counts what a worker's threads answer, and is the collector of its registry."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._in_flight = self._replays = self._limited = 0
        self._requests: Counter[tuple[str, str, str]] = Counter()
        self._refused_keys: Counter[str] = Counter()
        self._seconds: dict[tuple[str, ...], Histogram] = {}

    def began(self) -> None:
        with self._lock:
            self._in_flight += 1

    def ended(self, answered: Answered | None) -> None:
        """None where there is no answer: the server makes one."""
        with self._lock:
            self._in_flight -= 1
            if answered is not None:
                self._count(answered)

    def _count(self, answered: Answered) -> None:
        route, method = answered.route, answered.method
        self._requests[route, method, f"{answered.status // 100}xx"] += 1
        histogram = self._seconds.get((route, method))
        if histogram is None:
            histogram = self._seconds[route, method] = Histogram(STATEMENT_BOUNDS)
        histogram.observe(answered.seconds)
        self._replays += answered.replayed
        if answered.status == 429 and answered.error_code == "rate_limit":
            self._limited += 1
        elif answered.status == 401:
            self._refused_keys[answered.error_code or "none"] += 1

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            families = [
                _FAMILIES.counter("api_requests_total", self._requests.items()),
                _FAMILIES.histograms("api_request_seconds", self._seconds),
                _FAMILIES.gauge("api_requests_in_flight", self._in_flight),
                _FAMILIES.counter("api_idempotent_replays_total", self._replays),
                _FAMILIES.counter("api_rate_limited_total", self._limited),
                _FAMILIES.counter(
                    "api_authentication_failures_total",
                    [((code,), count) for code, count in self._refused_keys.items()],
                ),
                _FAMILIES.recorded(),
            ]
        yield from families


def serve_in_background(metrics: Metrics, *, host: str, ports: Iterable[int]) -> None:
    """Serve on the first port that is free, from a thread; where none is, try again until one is.

    So each worker of a server has one, a worker that is started again takes the port of the one that died, and
    one that has none answers requests all the same.
    """
    thread = threading.Thread(
        target=_serve, args=(metrics, host, list(ports)), name="metrics-port", daemon=True
    )
    thread.start()


def _serve(metrics: Metrics, host: str, ports: list[int]) -> None:
    told = False
    while True:
        for port in ports:
            try:
                start_http_server(port, host, metrics.registry)
            except OSError as error:
                reason = error.strerror or str(error)
            else:
                _log.info("api.metrics_served", host=host, port=port)
                return
        if not told:
            _log.warning("api.metrics_not_served", host=host, ports=f"{ports[0]}-{ports[-1]}", error=reason)
            told = True
        time.sleep(_TRY_AGAIN)
