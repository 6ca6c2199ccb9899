"""The `--metrics-port` of a process: serves its metrics to Prometheus, on loopback unless told otherwise."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Self

from django.core.management.base import CommandParser

from outbox.errors import NotUsable

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsOptions:
    """Where to serve; no port, no metrics."""

    port: int | None
    host: str

    @staticmethod
    def add_to(parser: CommandParser) -> None:
        """The flags of a command that serves metrics."""
        parser.add_argument("--metrics-port", type=int, help="serve metrics for Prometheus on this port")
        parser.add_argument(
            "--metrics-host",
            help=f"the address to serve them on (default: {LOOPBACK}); they need no password",
        )

    @classmethod
    def of(cls, options: dict[str, Any]) -> Self:
        """What the flags say.

        Raises:
            NotUsable: a flag cannot be used.
        """
        port, host = options["metrics_port"], options["metrics_host"]
        problems = []
        if port is None and host is not None:
            problems.append("--metrics-host needs --metrics-port")
        if port is not None and not 1 <= port <= 65_535:
            problems.append(f"--metrics-port must be between 1 and 65535, not {port}")
        if port is not None and find_spec("prometheus_client") is None:
            problems.append(
                "--metrics-port needs prometheus-client; install it with: pip install 'ministripe-outbox[metrics]'"
            )
        if problems:
            raise NotUsable(problems)
        return cls(port=port, host=LOOPBACK if host is None else host)


@contextmanager
def served(registry: "CollectorRegistry", options: MetricsOptions) -> Iterator[None]:
    """Within, the registry is served on the port of `options`, which has one.

    Call it in the process whose metrics they are, after any fork: its thread does not live on in a child.

    Raises:
        NotUsable: the address or the port cannot be served on.
    """
    from prometheus_client import start_http_server

    assert options.port is not None, "who serves has a port"
    try:
        server, thread = start_http_server(options.port, options.host, registry)
    except OSError as error:
        raise NotUsable(
            [f"--metrics-port {options.port}: cannot listen on {options.host}: {error.strerror or error}"]
        ) from error
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
