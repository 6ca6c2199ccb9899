"""Traces, where `OUTBOX["TRACING"]` asks for them; elsewhere nothing of OpenTelemetry is imported.

One trace leads from a request over the event to each attempt to deliver it: the event's row keeps the context, in
W3C's form, and whoever takes the event up goes on from there.
"""

from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from typing import TYPE_CHECKING

from outbox.config import traces
from outbox.errors import NotUsable

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from outbox.telemetry import Attributes, Kind, Telemetry

_telemetry: "Telemetry | None" = None


def start_tracing(service: str) -> None:
    """Once in a process, after any fork: its spans are of `service`, where OTEL_SERVICE_NAME says nothing else.

    Raises:
        NotUsable: traces are asked for, and OpenTelemetry is not installed.
    """
    global _telemetry
    if _telemetry is not None or not traces():
        return
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.sdk") is None:
        raise NotUsable(
            ["traces need OpenTelemetry; install it with: pip install 'ministripe-outbox[tracing]'"]
        )
    from outbox.telemetry import Telemetry

    _telemetry = Telemetry(service)


def telemetry() -> "Telemetry | None":
    """None where this process makes no spans."""
    return _telemetry


def current_trace() -> str | None:
    """What this thread does, as W3C's `traceparent`, to be gone on from later; None where no trace is kept."""
    return None if _telemetry is None else _telemetry.current()


def span(
    name: str, *, kind: "Kind" = "internal", parent: str | None = None, attributes: "Attributes"
) -> "AbstractContextManager[Span | None]":
    """A span that is the current one within, as of `Telemetry.span`; nothing where this process makes none."""
    if _telemetry is None:
        return nullcontext()
    return _telemetry.span(name, kind=kind, parent=parent, attributes=attributes)


def trace_id_of(traceparent: str | None) -> str | None:
    """The part by which a trace is looked up, as log lines have it."""
    return traceparent.split("-")[1] if traceparent else None
