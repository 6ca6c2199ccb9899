"""A collector of OpenTelemetry's traces for tests: OTLP over HTTP, on a port of its own."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One that was exported."""

    service: str
    name: str
    kind: str  # SERVER, PRODUCER, …
    trace_id: str
    span_id: str
    parent_id: str  # empty where it begins the trace
    links: tuple[str, ...]  # the trace ids of those it is linked to
    attributes: dict[str, Any]
    failed: str | None  # what its status says, where that is an error


class Collector:
    """What came in so far."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.bodies: list[bytes] = []
        self._lock = threading.Lock()

    def take(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        with self._lock:
            self.bodies.append(body)
            for resource in request.resource_spans:
                named = _values(resource.resource.attributes)
                for scope in resource.scope_spans:
                    self.spans += [_span(one, named["service.name"]) for one in scope.spans]

    def named(self, *names: str) -> list[Span]:
        with self._lock:
            return [span for span in self.spans if span.name in names]

    @property
    def text(self) -> str:
        with self._lock:
            return "\n".join(body.decode("latin-1") for body in self.bodies)


@contextmanager
def collecting() -> Iterator[tuple[Collector, dict[str, str]]]:
    """A collector, and the environment that has a process send it every span, soon."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            assert self.path == "/v1/traces"
            collector.take(body)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield (
            collector,
            {
                "TRACING": "true",
                "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
                "OTEL_BSP_SCHEDULE_DELAY": "50",
            },
        )
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _span(one: SpanMessage, service: str) -> Span:
    return Span(
        service=service,
        name=one.name,
        kind=SpanMessage.SpanKind.Name(one.kind).removeprefix("SPAN_KIND_"),
        trace_id=one.trace_id.hex(),
        span_id=one.span_id.hex(),
        parent_id=one.parent_span_id.hex(),
        links=tuple(link.trace_id.hex() for link in one.links),
        attributes=_values(one.attributes),
        failed=one.status.message if one.status.code == 2 else None,
    )


def _values(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}
