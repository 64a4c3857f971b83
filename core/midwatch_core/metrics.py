"""Metrics as plain numbers: counted anywhere, sent as JSON from worker to control, shown by a face."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class MetricKind(StrEnum):
    """Prometheus' kinds."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSpec:
    """A metric: its name with the unit in it, what it tells, its labels' names, a histogram's upper bounds."""

    name: str
    kind: MetricKind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def cells(self) -> int:
        """How many values a sample has: for a histogram one a bucket, +Inf, and the sum."""
        return len(self.buckets) + 2 if self.kind is MetricKind.HISTOGRAM else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The values of one metric under one set of label values.

    A counter or gauge has one value; a histogram its count in each bucket (the last is +Inf, not cumulative) and the
    sum of what was observed.
    """

    name: str
    labels: tuple[str, ...]
    values: tuple[float, ...]


# Client-made label values (model names, hosts) beyond this many sets share the label value "other".
_MAX_SETS = 500


@dataclass(slots=True)
class Metrics:
    """A registry. Not thread-safe: one a process, used from its loop."""

    specs: dict[str, MetricSpec] = field(default_factory=dict)
    _values: dict[str, dict[tuple[str, ...], list[float]]] = field(default_factory=dict)

    def declare(self, specs: Iterable[MetricSpec]) -> None:
        """Make metrics known. The same name again must be the same metric (ValueError)."""
        for spec in specs:
            if self.specs.setdefault(spec.name, spec) != spec:
                raise ValueError(f"metric {spec.name} is declared twice, differently")
            self._values.setdefault(spec.name, {})

    def add(self, name: str, amount: float = 1, labels: Sequence[str] = ()) -> None:
        """Count up."""
        self._cells(name, tuple(labels))[0] += amount

    def set(self, name: str, value: float, labels: Sequence[str] = ()) -> None:
        """Set a gauge, or a counter that is kept elsewhere."""
        self._cells(name, tuple(labels))[0] = value

    def observe(self, name: str, value: float, labels: Sequence[str] = ()) -> None:
        """Add an observation to a histogram."""
        cells = self._cells(name, tuple(labels))
        cells[bisect_left(self.specs[name].buckets, value)] += 1
        cells[-1] += value

    def samples(self) -> list[Sample]:
        """All values now."""
        return [
            Sample(name=name, labels=labels, values=tuple(cells))
            for name, sets in self._values.items()
            for labels, cells in sets.items()
        ]

    def _cells(self, name: str, labels: tuple[str, ...]) -> list[float]:
        sets = self._values[name]
        cells = sets.get(labels)
        if cells is None:
            if len(sets) >= _MAX_SETS:
                labels = ("other",) * len(labels)
            cells = sets.setdefault(labels, [0.0] * self.specs[name].cells)
        return cells


def summed(parts: Iterable[Iterable[Sample]]) -> list[Sample]:
    """The samples of several processes as one: values of the same name and labels are added."""
    totals: dict[tuple[str, tuple[str, ...]], tuple[float, ...]] = {}
    for samples in parts:
        for sample in samples:
            key = (sample.name, sample.labels)
            before = totals.get(key)
            totals[key] = (
                sample.values if before is None else tuple(a + b for a, b in zip(before, sample.values, strict=True))
            )
    return [Sample(name=name, labels=labels, values=values) for (name, labels), values in totals.items()]


def to_json(samples: Iterable[Sample]) -> list[list[object]]:
    """Samples as JSON values."""
    return [[item.name, list(item.labels), list(item.values)] for item in samples]


def from_json(document: Iterable[Sequence[object]], specs: Mapping[str, MetricSpec]) -> list[Sample]:
    """Samples from JSON values; those that are of no metric in `specs`, or not of its form, are left out."""
    samples = []
    for name, labels, values in document:
        spec = specs.get(name) if isinstance(name, str) else None
        if spec is None or not isinstance(labels, list) or not isinstance(values, list):
            continue
        if len(labels) == len(spec.labels) and len(values) == spec.cells:
            samples.append(
                Sample(name=spec.name, labels=tuple(map(str, labels)), values=tuple(float(value) for value in values))
            )
    return samples
