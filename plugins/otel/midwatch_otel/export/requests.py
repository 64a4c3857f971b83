"""Export requests: spans and metrics with who made them, in bodies that a collector takes.

https://github.com/open-telemetry/opentelemetry-proto/tree/v1.9.0/opentelemetry/proto/collector
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, ResourceMetrics, ScopeMetrics
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from midwatch_core import Exchange, Json
from midwatch_otel.export.conventions import Conventions
from midwatch_otel.export.spans import spans_of
from midwatch_otel.export.values import key_values

# Collectors take 4 MB and more.
_BODY_BYTES = 3 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A request's body, and how many spans it has."""

    data: bytes
    spans: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Writes requests. `resource` says who we are."""

    resource: Mapping[str, Json]
    version: str
    conventions: Conventions
    content: bool

    def spans(self, exchanges: Iterable[Exchange]) -> list[Body]:
        """The spans of exchanges, in as many bodies as their size needs."""
        found = (span for exchange in exchanges for span in spans_of(exchange, self.conventions, content=self.content))
        return [self._body(some) for some in _packed(found)]

    def metrics(self, metrics: Sequence[Metric]) -> bytes:
        """All metrics in one body."""
        scope = ScopeMetrics(scope=self._scope(), metrics=metrics, schema_url=self.conventions.schema_url)
        group = ResourceMetrics(resource=self._resource(), scope_metrics=[scope])
        return bytes(ExportMetricsServiceRequest(resource_metrics=[group]).SerializeToString())

    def _body(self, spans: Sequence[Span]) -> Body:
        scope = ScopeSpans(scope=self._scope(), spans=spans, schema_url=self.conventions.schema_url)
        group = ResourceSpans(resource=self._resource(), scope_spans=[scope])
        return Body(data=ExportTraceServiceRequest(resource_spans=[group]).SerializeToString(), spans=len(spans))

    def _scope(self) -> InstrumentationScope:
        return InstrumentationScope(name="midwatch", version=self.version)

    def _resource(self) -> Resource:
        return Resource(attributes=key_values(self.resource))


def _packed(spans: Iterable[Span]) -> Iterator[list[Span]]:
    """Spans in groups that fit into a body; one that is larger alone."""
    some: list[Span] = []
    size = 0
    for span in spans:
        more = span.ByteSize()
        if some and size + more > _BODY_BYTES:
            yield some
            some, size = [], 0
        some.append(span)
        size += more
    if some:
        yield some
