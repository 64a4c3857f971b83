"""Our samples as Prometheus' text format and OpenMetrics, which differ little for what we have.

Written here because a scrape may have tens of thousands of lines, and control has other things to do: prometheus_client
takes about ten times as long for them. The tests read with its parsers.
https://prometheus.io/docs/instrumenting/exposition_formats/
https://prometheus.io/docs/specs/om/open_metrics_spec/
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate

from midwatch_core import MetricKind, MetricSpec, Sample

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ESCAPED = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_ENDING = "_total"
_NO_NUMBERS = {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}


def text_of(specs: Mapping[str, MetricSpec], samples: Iterable[Sample], *, openmetrics: bool = False) -> bytes:
    """One scrape, in the order of the metrics' names.

    A declared metric without samples is there with its help. An unknown sample is not, nor one whose labels or buckets
    are not its metric's; nor a metric whose name Prometheus would not take.
    """
    by_name: dict[str, list[Sample]] = {}
    for sample in samples:
        by_name.setdefault(sample.name, []).append(sample)
    lines: list[str] = []
    for name, spec in sorted(specs.items()):
        if all(map(_NAME.fullmatch, (name, *spec.labels))):
            lines += _family(spec, by_name.get(name, ()), openmetrics=openmetrics)
    if openmetrics:
        lines.append("# EOF")
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


def _family(spec: MetricSpec, samples: Iterable[Sample], *, openmetrics: bool) -> Iterator[str]:
    """The lines of one metric. A counter's samples end in `_total` in both formats, OpenMetrics' counter itself not."""
    series = spec.name
    if spec.kind is MetricKind.COUNTER:
        series = spec.name.removesuffix(_ENDING) + _ENDING
    family = series.removesuffix(_ENDING) if spec.kind is MetricKind.COUNTER and openmetrics else series
    yield f"# HELP {family} {spec.help.translate(_ESCAPED) if openmetrics else _one_line(spec.help)}"
    yield f"# TYPE {family} {spec.kind.value}"
    for sample in samples:
        if len(sample.labels) == len(spec.labels) and len(sample.values) == spec.cells:
            if spec.kind is MetricKind.HISTOGRAM:
                yield from _histogram(spec, sample)
            else:
                yield f"{series}{_braced(_labels(spec, sample))} {_number(sample.values[0])}"


def _histogram(spec: MetricSpec, sample: Sample) -> Iterator[str]:
    """Counts of buckets are cumulative in Prometheus' formats, and plain with us."""
    labels = _labels(spec, sample)
    begin = f"{spec.name}_bucket{{{labels}{',' if labels else ''}le="
    counts = list(accumulate(sample.values[:-1]))
    for bound, count in zip(spec.buckets, counts[:-1], strict=True):
        yield f'{begin}"{_number(bound)}"}} {_number(count)}'
    yield f'{begin}"+Inf"}} {_number(counts[-1])}'
    yield f"{spec.name}_count{_braced(labels)} {_number(counts[-1])}"
    yield f"{spec.name}_sum{_braced(labels)} {_number(sample.values[-1])}"


def _braced(labels: str) -> str:
    return f"{{{labels}}}" if labels else ""


def _labels(spec: MetricSpec, sample: Sample) -> str:
    return ",".join(
        f'{name}="{value.translate(_ESCAPED)}"' for name, value in zip(spec.labels, sample.labels, strict=True)
    )


def _one_line(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _number(value: float) -> str:
    """As Go reads it."""
    text = repr(float(value))
    return _NO_NUMBERS.get(text, text)
