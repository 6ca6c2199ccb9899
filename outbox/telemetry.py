"""Spans by OpenTelemetry, sent by OTLP over HTTP. Only `outbox.tracing` imports this, where traces are asked for.

Where they go, how many are kept and what the service is called is said by OpenTelemetry's own variables of the
environment: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_SAMPLER, OTEL_SERVICE_NAME and the rest.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import util
from typing import Literal

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

Kind = Literal["server", "client", "internal", "producer", "consumer"]
Attributes = Mapping[str, str | int | float | bool]
_W3C = TraceContextTextMapPropagator()
_HEADER = "traceparent"


class Telemetry:
    """Makes the spans of one process."""

    def __init__(self, service: str) -> None:
        # A project that set OpenTelemetry up by itself has its own ideas of where spans go.
        given = trace.get_tracer_provider()
        self._tracer = (given if isinstance(given, TracerProvider) else _own_provider(service)).get_tracer(
            "ministripe"
        )

    @contextmanager
    def span(
        self,
        name: str,
        *,
        kind: Kind = "internal",
        parent: str | None = None,
        link: str | None = None,
        attributes: Attributes | None = None,
    ) -> Iterator[Span]:
        """A span that is the current one of this thread within. An exception ends it as failed, by its class alone:
        what an exception says may quote what nobody is to read.

        Args:
            parent: the context that it goes on from, as `traceparent`; else the current one, else it begins a trace.
            link: the context of somebody who is told of, and decides nothing.
        """
        linked = trace.get_current_span(_context(link)).get_span_context() if link else None
        with self._tracer.start_as_current_span(
            name,
            context=_context(parent) if parent else None,
            kind=SpanKind[kind.upper()],
            links=[Link(linked)] if linked is not None and linked.is_valid else [],
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except BaseException as error:
                fail(span, type(error).__name__)
                raise

    def begin(self, name: str, *, kind: Kind, parent: str, attributes: Attributes) -> Span:
        """A span that somebody ends, in any thread; it is never the current one."""
        return self._tracer.start_span(
            name, context=_context(parent), kind=SpanKind[kind.upper()], attributes=attributes
        )

    def recorded(self, *, type: str, event_id: str, owner: str) -> str | None:
        """An event is recorded: a span without length, below the current one. Gives the context to keep with it.

        None where the trace is not kept: then nobody makes spans of what becomes of the event.
        """
        span = self._tracer.start_span(
            f"record {type}",
            kind=SpanKind.PRODUCER,
            attributes={
                "messaging.system": "outbox",
                "messaging.operation.type": "create",
                "messaging.message.id": event_id,
                "outbox.event.type": type,
                "outbox.owner": owner,
            },
        )
        span.end()
        return context_of(span)

    def current(self) -> str | None:
        """The context of the current span, as `traceparent`; None where there is none, or it is not kept."""
        return context_of(trace.get_current_span())


def context_of(span: Span) -> str | None:
    """A span's context as `traceparent`; None where it is not kept."""
    if not span.get_span_context().trace_flags.sampled:
        return None
    carrier: dict[str, str] = {}
    _W3C.inject(carrier, trace.set_span_in_context(span, Context()))
    return carrier.get(_HEADER)


def fail(span: Span, reason: str) -> None:
    """`reason` is one of few: a code, or the name of a class."""
    span.set_attribute("error.type", reason)
    span.set_status(Status(StatusCode.ERROR, reason))


def _context(traceparent: str | None) -> Context:
    return _W3C.extract({_HEADER: traceparent} if traceparent else {}, Context())


def _own_provider(service: str) -> TracerProvider:
    attributes = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": service}
    provider = TracerProvider(resource=Resource.create(attributes), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    # What is not sent yet is sent at the end. Finalizers of multiprocessing run at the end of a program, and at that
    # of its children too, as granian's workers are, where nothing runs that is registered with atexit.
    util.Finalize(None, provider.shutdown, exitpriority=0)
    return provider
