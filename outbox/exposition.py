"""Plain numbers as Prometheus' families. Needs prometheus-client, which nothing imports unless metrics are served."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from outbox.measures import EVENTS_RECORDED, Description, Histogram, recorded_events

Values = float | Iterable[tuple[Sequence[str], float]]  # one, or one for each combination of label values


class Families:
    """Builds families under the names, help texts and labels of a catalogue."""

    def __init__(self, catalogue: Iterable[Description]) -> None:
        self._described = {description.name: description for description in catalogue}

    def counter(self, name: str, values: Values) -> Metric:
        return self._filled(CounterMetricFamily, name, values)

    def gauge(self, name: str, values: Values) -> Metric:
        return self._filled(GaugeMetricFamily, name, values)

    def histogram(self, name: str, histogram: Histogram) -> Metric:
        return HistogramMetricFamily(
            name, self._described[name].help, buckets=histogram.buckets(), sum_value=histogram.total
        )

    def histograms(self, name: str, by_labels: Mapping[tuple[str, ...], Histogram]) -> Metric:
        """One for each combination of label values."""
        described = self._described[name]
        family = HistogramMetricFamily(name, described.help, labels=described.labels)
        for labels, histogram in by_labels.items():
            family.add_metric(labels, histogram.buckets(), histogram.total)
        return family

    def recorded(self) -> Metric:
        """The events that this process recorded."""
        return self.counter(
            EVENTS_RECORDED.name, [((name,), count) for name, count in recorded_events.counts().items()]
        )

    def _filled(
        self, family: type[CounterMetricFamily | GaugeMetricFamily], name: str, values: Values
    ) -> Metric:
        described = self._described[name]
        made: Any = family(name, described.help, labels=described.labels)
        for labels, value in [((), values)] if isinstance(values, int | float) else values:
            made.add_metric(labels, float(value))
        filled: Metric = made
        return filled


class ProcessMetrics(Collector):
    """Metrics of one process, in a registry of their own with those of the operating system."""

    def __init__(self) -> None:
        recorded_events.begin()
        self.registry = CollectorRegistry()
        self.registry.register(self)
        ProcessCollector(registry=self.registry)

    def collect(self) -> Iterator[Metric]:
        raise NotImplementedError
