"""Serves the metrics of a process that dispatches."""

from collections.abc import Iterator
from contextlib import contextmanager

from dispatcher.observer import Observer, Unobserved
from dispatcher.standing import lookout
from outbox.metrics_server import MetricsOptions, served


@contextmanager
def serving_metrics(options: MetricsOptions) -> Iterator[Observer]:
    """What the process is to tell its cycles to; within, its metrics are served.

    Call it in the process that dispatches, after any fork: its threads do not live on in a child.

    Raises:
        NotUsable: the address or the port cannot be served on.
    """
    if options.port is None:
        yield Unobserved()
        return
    from dispatcher.metrics import Metrics

    watch = lookout()
    metrics = Metrics(standing=watch.reading)
    with served(metrics.registry, options):
        watch.start()
        try:
            yield metrics
        finally:
            watch.stop()
