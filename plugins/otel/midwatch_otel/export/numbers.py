"""Metrics of what goes out."""

from midwatch_core import MetricKind, MetricSpec

SENT = "midwatch_otel_export_sent_total"
DROPPED = "midwatch_otel_export_dropped_total"
RETRIES = "midwatch_otel_export_retries_total"
WAITING = "midwatch_otel_export_queue"
METRICS = (
    MetricSpec(name=SENT, kind=MetricKind.COUNTER, help="Spans that a collector took"),
    MetricSpec(
        name=DROPPED,
        kind=MetricKind.COUNTER,
        help="Exchanges or spans not exported: queue_full, unreachable, refused",
        labels=("reason",),
    ),
    MetricSpec(name=RETRIES, kind=MetricKind.COUNTER, help="Sendings that were tried again"),
    MetricSpec(name=WAITING, kind=MetricKind.GAUGE, help="Exchanges waiting to be exported"),
)
