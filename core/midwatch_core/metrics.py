"""Metrics as plain numbers: counted anywhere, sent as JSON from worker to control, shown by a face."""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from operator import add


class MetricKind(StrEnum):
    """Prometheus' kinds."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSpec:
    """A metric: its name with the unit in it, what it tells, its labels' names, a histogram's upper bounds.

    `highest`: a gauge that is a measure, not an amount: of several processes' values the highest counts, not their sum.
    """

    name: str
    kind: MetricKind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    highest: bool = False

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
MAX_SETS = 500
OTHER = "other"
# A label's value is cut here, and a character that no reader could see (or no UTF-8 has) is replaced.
_MAX_LABEL = 120
_UNSEEN = "\N{REPLACEMENT CHARACTER}"


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

    def samples(self, only: Collection[str] | None = None) -> list[Sample]:
        """All values now, or those of the metrics named."""
        return [
            Sample(name=name, labels=labels, values=tuple(cells))
            for name, sets in self._values.items()
            if only is None or name in only
            for labels, cells in sets.items()
        ]

    def _cells(self, name: str, labels: tuple[str, ...]) -> list[float]:
        sets = self._values[name]
        cells = sets.get(labels)
        if cells is None:
            labels = tuple(map(_plain, labels))
            if len(sets) >= MAX_SETS and labels not in sets:
                labels = (OTHER,) * len(labels)
            cells = sets.setdefault(labels, [0.0] * self.specs[name].cells)
        return cells


def _plain(label: str) -> str:
    """A label's value as it may be shown: short, and every character of it to be seen."""
    label = label[:_MAX_LABEL]
    return label if label.isprintable() else "".join(sign if sign.isprintable() else _UNSEEN for sign in label)


def summed(parts: Iterable[Iterable[Sample]], specs: Mapping[str, MetricSpec]) -> list[Sample]:
    """The samples of several processes as one: values of the same name and labels are added.

    Of a metric whose spec says `highest`, the highest value stays. Each process has bounded its own sets; what all of
    them come to is bounded here, the first sets being kept.
    """
    highest = {spec.name for spec in specs.values() if spec.highest}
    totals: dict[str, dict[tuple[str, ...], Sample]] = {}
    for samples in parts:
        for sample in samples:
            sets = totals.setdefault(sample.name, {})
            labels = sample.labels
            if labels not in sets and len(sets) >= MAX_SETS:
                labels = (OTHER,) * len(labels)
            sets[labels] = _one(sets.get(labels), sample, labels, max if sample.name in highest else add)
    return [sample for sets in totals.values() for sample in sets.values()]


def _one(before: Sample | None, sample: Sample, labels: tuple[str, ...], of: Callable[[float, float], float]) -> Sample:
    """Most samples are of one process alone, and stay what they are."""
    if before is None:
        return sample if labels == sample.labels else Sample(name=sample.name, labels=labels, values=sample.values)
    values = tuple(of(a, b) for a, b in zip(before.values, sample.values, strict=True))
    return Sample(name=sample.name, labels=labels, values=values)


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
