"""The `--metrics-port` of a process: serves its metrics to Prometheus, on loopback unless told otherwise."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Self

from django.core.management.base import CommandParser

from dispatcher.errors import ConfigurationError
from dispatcher.observer import Observer, Unobserved
from dispatcher.standing import Lookout

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
            ConfigurationError: a flag cannot be used.
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
            raise ConfigurationError(problems)
        return cls(port=port, host=LOOPBACK if host is None else host)


@contextmanager
def serving_metrics(options: MetricsOptions) -> Iterator[Observer]:
    """What the process is to tell its cycles to; within, its metrics are served.

    Call it in the process that dispatches, after any fork: its threads do not live on in a child.

    Raises:
        ConfigurationError: the address or the port cannot be served on.
    """
    if options.port is None:
        yield Unobserved()
        return
    from prometheus_client import start_http_server

    from dispatcher.metrics import Metrics

    lookout = Lookout()
    metrics = Metrics(standing=lookout.standing)
    try:
        server, thread = start_http_server(options.port, options.host, metrics.registry)
    except OSError as error:
        raise ConfigurationError(
            [f"--metrics-port {options.port}: cannot listen on {options.host}: {error.strerror or error}"]
        ) from error
    lookout.start()
    try:
        yield metrics
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        lookout.stop()
