"""Metrics of what comes in."""

from midwatch_core import MetricKind, Metrics, MetricSpec

SPANS = "midwatch_otel_spans_total"
METRICS = (
    MetricSpec(
        name=SPANS,
        kind=MetricKind.COUNTER,
        help="Spans that came: call, tool (joined to a call), lonely_tool, passed_over (about no call), refused",
        labels=("face", "fate"),
    ),
)


def count_spans(metrics: Metrics, face: str, **fates: int) -> None:
    """Count spans by what became of them; zeroes are not counted."""
    for fate, number in fates.items():
        if number:
            metrics.add(SPANS, number, (face, fate))
