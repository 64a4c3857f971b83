"""From OTLP's messages to told spans: only those that may say something of a model are read in full.

https://opentelemetry.io/docs/specs/otel/protocol/
https://github.com/open-telemetry/opentelemetry-proto/blob/v1.9.0/opentelemetry/proto/trace/v1/trace.proto
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from midwatch_core import Json
from midwatch_otel.ingest.spans import ToldEvent, ToldSpan

# What every convention's names begin with; a span without any of them is no business of ours.
_PREFIXES = ("gen_ai.", "llm.", "openinference.", "traceloop.", "embedding.")
_STATUS_ERROR = 2
_TRACE_ID_BYTES = 16
_SPAN_ID_BYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a request held: spans to look at, how many have no valid ids, how many are about something else."""

    spans: tuple[ToldSpan, ...]
    refused: int
    passed_over: int


def read_request(request: Any, *, own_instance: str = "") -> Read:
    """The spans of an `ExportTraceServiceRequest`. Those of `own_instance` are our own, come back: passed over."""
    spans: list[ToldSpan] = []
    refused = passed_over = 0
    for group in request.resource_spans:
        resource = attributes_of(group.resource.attributes)
        own = bool(own_instance) and resource.get("service.instance.id") == own_instance
        for span in (span for scope in group.scope_spans for span in scope.spans):
            if not _has_ids(span):
                refused += 1
            elif own or not _concerns_us(span):
                passed_over += 1
            else:
                spans.append(_told(span, resource))
    return Read(spans=tuple(spans), refused=refused, passed_over=passed_over)


def attributes_of(pairs: Iterable[Any]) -> dict[str, Json]:
    """OTLP's list of `KeyValue` as a mapping; of a key that comes twice the last counts."""
    return {pair.key: value_of(pair.value) for pair in pairs}


def value_of(value: Any) -> Json:
    """An `AnyValue` as a JSON value; bytes say nothing that we read, and are None."""
    match value.WhichOneof("value"):
        case "string_value":
            return str(value.string_value)
        case "bool_value":
            return bool(value.bool_value)
        case "int_value":
            return int(value.int_value)
        case "double_value":
            return float(value.double_value)
        case "array_value":
            return [value_of(item) for item in value.array_value.values]
        case "kvlist_value":
            return attributes_of(value.kvlist_value.values)
    return None


def _has_ids(span: Any) -> bool:
    """All zeroes is no id: https://www.w3.org/TR/trace-context/#trace-id"""
    trace_id, span_id = span.trace_id, span.span_id
    return len(trace_id) == _TRACE_ID_BYTES and len(span_id) == _SPAN_ID_BYTES and any(trace_id) and any(span_id)


def _concerns_us(span: Any) -> bool:
    return any(pair.key.startswith(_PREFIXES) for pair in span.attributes)


def _told(span: Any, resource: dict[str, Json]) -> ToldSpan:
    return ToldSpan(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex() or None,
        name=span.name,
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        attributes=attributes_of(span.attributes),
        events=tuple(
            ToldEvent(name=event.name, at_ns=event.time_unix_nano, attributes=attributes_of(event.attributes))
            for event in span.events
        ),
        failed=span.status.code == _STATUS_ERROR,
        status_message=span.status.message,
        resource=resource,
    )
