"""Our samples as prometheus_client's families: it then writes the text format, we only count."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from midwatch_core import MetricKind, MetricSpec, Sample


class SampleCollector(Collector):
    """Families for one scrape. A declared metric without samples is there with its help; an unknown sample is not."""

    def __init__(self, specs: Mapping[str, MetricSpec], samples: Iterable[Sample]) -> None:
        self._specs = specs
        self._samples: dict[str, list[Sample]] = {}
        for sample in samples:
            self._samples.setdefault(sample.name, []).append(sample)

    def collect(self) -> Iterator[Metric]:
        """One family a metric, in the order of their names."""
        for name, spec in sorted(self._specs.items()):
            yield family_of(spec, self._samples.get(name, ()))


def family_of(spec: MetricSpec, samples: Sequence[Sample]) -> Metric:
    """The family of one metric; samples whose labels or buckets are not the metric's are left out."""
    fitting = [sample for sample in samples if _fits(spec, sample)]
    if spec.kind is MetricKind.HISTOGRAM:
        histogram = HistogramMetricFamily(spec.name, spec.help, labels=spec.labels)
        for sample in fitting:
            histogram.add_metric(sample.labels, _buckets(spec, sample), sum_value=sample.values[-1])
        return histogram
    make = CounterMetricFamily if spec.kind is MetricKind.COUNTER else GaugeMetricFamily
    family = make(spec.name, spec.help, labels=spec.labels)
    for sample in fitting:
        family.add_metric(sample.labels, sample.values[0])
    return family


def _fits(spec: MetricSpec, sample: Sample) -> bool:
    size = len(spec.buckets) + 2 if spec.kind is MetricKind.HISTOGRAM else 1
    return len(sample.labels) == len(spec.labels) and len(sample.values) == size


def _buckets(spec: MetricSpec, sample: Sample) -> list[tuple[str, float]]:
    """Cumulative counts, as Prometheus wants them, from our plain ones."""
    bounds = [*(f"{bound:g}" for bound in spec.buckets), "+Inf"]
    return list(zip(bounds, accumulate(sample.values[:-1]), strict=True))
