"""Metrics of calls by the GenAI conventions: histograms and counters since the start, bounded in their series.

https://github.com/open-telemetry/semantic-conventions/blob/v1.41.0/docs/gen-ai/gen-ai-metrics.md
https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-token-metrics.md
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    Sum,
)

from midwatch_core import Exchange, Json, Operation, Usage
from midwatch_otel.export.conventions import Conventions
from midwatch_otel.export.spans import called_attributes
from midwatch_otel.export.values import key_values

# The boundaries that the conventions give.
_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS = tuple(float(4**power) for power in range(14))
_INFERENCE = frozenset({Operation.CHAT, Operation.GENERATE_CONTENT, Operation.TEXT_COMPLETION})
# Models' names come from clients: further sets of attributes share one series, as OpenTelemetry's SDKs have it.
# https://opentelemetry.io/docs/specs/otel/metrics/sdk/#overflow-attribute
_MOST_SERIES = 2000
_OVERFLOW = (("otel.metric.overflow", True),)
_CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE

type _Attributes = tuple[tuple[str, Json], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A metric: a histogram where it has bounds, else a counter."""

    name: str
    unit: str
    help: str
    bounds: tuple[float, ...] = ()


@dataclass(slots=True)
class _Series:
    """What was observed under one set of attributes."""

    counts: list[int]
    total: float = 0.0


@dataclass(slots=True)
class Tally:
    """The metrics since `since_ns`. Not thread-safe: it is asked by one at a time."""

    conventions: Conventions
    since_ns: int
    _series: dict[Instrument, dict[_Attributes, _Series]] = field(default_factory=dict)
    _size: int = 0

    def take(self, exchange: Exchange) -> None:
        """Count a call, where it is one of a kind that the conventions measure."""
        for instrument, attributes, value in _observed(exchange, self.conventions):
            series = self._of(instrument, tuple(sorted((k, v) for k, v in attributes.items() if v is not None)))
            if instrument.bounds:
                series.counts[bisect_left(instrument.bounds, value)] += 1
            series.total += value

    def metrics(self, now_ns: int) -> list[Metric]:
        """All of them as OTLP's messages."""
        return [self._metric(instrument, sets, now_ns) for instrument, sets in self._series.items()]

    def _of(self, instrument: Instrument, attributes: _Attributes) -> _Series:
        sets = self._series.setdefault(instrument, {})
        found = sets.get(attributes)
        if found is None:
            if self._size >= _MOST_SERIES:
                attributes = _OVERFLOW
            else:
                self._size += 1
            found = sets.setdefault(attributes, _Series([0] * (len(instrument.bounds) + 1)))
        return found

    def _metric(self, instrument: Instrument, sets: Mapping[_Attributes, _Series], now_ns: int) -> Metric:
        metric = Metric(name=instrument.name, unit=instrument.unit, description=instrument.help)
        if instrument.bounds:
            buckets = [self._buckets(instrument, *item, now_ns) for item in sets.items()]
            metric.histogram.CopyFrom(Histogram(data_points=buckets, aggregation_temporality=_CUMULATIVE))
            return metric
        points = [
            NumberDataPoint(
                attributes=key_values(dict(attributes)),
                start_time_unix_nano=self.since_ns,
                time_unix_nano=now_ns,
                as_int=int(series.total),
            )
            for attributes, series in sets.items()
        ]
        metric.sum.CopyFrom(Sum(data_points=points, aggregation_temporality=_CUMULATIVE, is_monotonic=True))
        return metric

    def _buckets(
        self, instrument: Instrument, attributes: _Attributes, series: _Series, now_ns: int
    ) -> HistogramDataPoint:
        return HistogramDataPoint(
            attributes=key_values(dict(attributes)),
            start_time_unix_nano=self.since_ns,
            time_unix_nano=now_ns,
            count=sum(series.counts),
            sum=series.total,
            bucket_counts=series.counts,
            explicit_bounds=instrument.bounds,
        )


def _observed(exchange: Exchange, conventions: Conventions) -> Iterator[tuple[Instrument, Mapping[str, Json], float]]:
    operation = exchange.request.operation
    embeds = operation is Operation.EMBEDDINGS
    if operation not in _INFERENCE and not embeds:
        return
    attributes = called_attributes(exchange)
    duration_ms, first_ms = exchange.timing.duration_ms, exchange.timing.ttft_ms
    if duration_ms is not None:
        name = conventions.embeddings_duration if embeds else conventions.duration
        yield (
            Instrument(name=name, unit="s", help="How long calls took", bounds=_SECONDS),
            attributes,
            duration_ms / 1000,
        )
    if first_ms is not None and exchange.streamed and not embeds:
        first = Instrument(name=conventions.first_chunk, unit="s", help="Time to the first chunk", bounds=_SECONDS)
        yield first, attributes, first_ms / 1000
    usage = exchange.response.usage if exchange.response else None
    if usage is not None:
        plain = {**attributes, "error.type": None}
        tell = _counted if conventions.usage_counters else _measured
        yield from tell(usage, plain, conventions, embeds=embeds)


def _measured(
    usage: Usage, attributes: Mapping[str, Json], conventions: Conventions, *, embeds: bool
) -> Iterator[tuple[Instrument, Mapping[str, Json], float]]:
    """1.41: one histogram, by the type of token."""
    instrument = Instrument(name=conventions.input_tokens, unit="{token}", help="Tokens of calls", bounds=_TOKENS)
    for kind, tokens in (("input", usage.input_tokens), ("output", usage.output_tokens)):
        if tokens is not None:
            yield instrument, {**attributes, "gen_ai.token.type": kind}, tokens


def _counted(
    usage: Usage, attributes: Mapping[str, Json], conventions: Conventions, *, embeds: bool
) -> Iterator[tuple[Instrument, Mapping[str, Json], float]]:
    """The current ones: a histogram a side, and of inferences a counter for each kind of token, by modality."""
    sides = (
        (conventions.input_tokens, usage.input_tokens),
        (conventions.output_tokens, None if embeds else usage.output_tokens),
    )
    for name, tokens in sides:
        if tokens is not None:
            named = name.replace(".inference.", ".embeddings.") if embeds else name
            yield Instrument(name=named, unit="{token}", help="Tokens of one call", bounds=_TOKENS), attributes, tokens
    if embeds:
        return
    for kind, modality, tokens in _by_modality(usage):
        name = f"gen_ai.client.inference.usage.{kind}"
        counter = Instrument(name=name, unit="{token}", help="Tokens used")
        yield counter, {**attributes, "gen_ai.token.modality": modality}, tokens


def _by_modality(usage: Usage) -> Iterator[tuple[str, str, int]]:
    """Tokens by kind and modality: what a provider does not break down is of an unknown one."""
    kinds = (
        ("input_tokens", usage.input_tokens, usage.input_audio_tokens, usage.input_image_tokens),
        ("output_tokens", usage.output_tokens, usage.output_audio_tokens, usage.output_image_tokens),
        ("cache_read.input_tokens", usage.cache_read_tokens, usage.cache_audio_read_tokens, None),
        ("cache_write.input_tokens", usage.cache_write_tokens, None, None),
        ("reasoning.output_tokens", usage.reasoning_tokens, None, None),
    )
    for kind, whole, audio, image in kinds:
        if whole is not None:
            yield kind, "unknown", max(0, whole - (audio or 0) - (image or 0))
            yield from ((kind, name, part) for name, part in (("audio", audio), ("image", image)) if part)
