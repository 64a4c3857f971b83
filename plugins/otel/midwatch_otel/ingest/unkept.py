"""Metrics and logs: exporters send them to the same place, Midwatch keeps none, and says so in OTLP's own way.

A 404 would be an error in every exporter's log at every interval; a partial success is told once, as a warning.
"""

from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

from midwatch_otel.ingest.decoding import Encoding, read_message, unpacked

_WHY = "Midwatch keeps spans of GenAI calls, and no {what}: send those elsewhere, or set OTEL_{name}_EXPORTER=none"


def refuse_metrics(body: bytes, encoding: Encoding, content_encoding: str) -> ExportMetricsServiceResponse:
    """The answer that none of these data points is kept. Raises BadBodyError, TooLargeError."""
    request: Any = read_message(unpacked(body, content_encoding), encoding, ExportMetricsServiceRequest())
    points = sum(
        len(getattr(metric, kind).data_points)
        for group in request.resource_metrics
        for scope in group.scope_metrics
        for metric in scope.metrics
        if (kind := metric.WhichOneof("data")) is not None
    )
    answer = ExportMetricsServiceResponse()
    if points:
        answer.partial_success.rejected_data_points = points
        answer.partial_success.error_message = _WHY.format(what="metrics", name="METRICS")
    return answer


def refuse_logs(body: bytes, encoding: Encoding, content_encoding: str) -> ExportLogsServiceResponse:
    """The answer that none of these records is kept. Raises BadBodyError, TooLargeError."""
    request: Any = read_message(unpacked(body, content_encoding), encoding, ExportLogsServiceRequest())
    records = sum(len(scope.log_records) for group in request.resource_logs for scope in group.scope_logs)
    answer = ExportLogsServiceResponse()
    if records:
        answer.partial_success.rejected_log_records = records
        answer.partial_success.error_message = _WHY.format(what="logs", name="LOGS")
    return answer
