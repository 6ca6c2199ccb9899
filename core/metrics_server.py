"""Serves the metrics of a settlement process."""

from collections.abc import Iterator
from contextlib import contextmanager

from core.observer import Observer, Unobserved
from core.standing import read_due
from outbox.lookout import Lookout
from outbox.metrics_server import MetricsOptions, served


@contextmanager
def serving_metrics(options: MetricsOptions) -> Iterator[Observer]:
    """What the loop is to tell; within, its metrics are served.

    Raises:
        NotUsable: the address or the port cannot be served on.
    """
    if options.port is None:
        yield Unobserved()
        return
    from core.metrics import Metrics

    watch = Lookout(read_due)
    metrics = Metrics(due=watch.reading)
    with served(metrics.registry, options):
        watch.start()
        try:
            yield metrics
        finally:
            watch.stop()
